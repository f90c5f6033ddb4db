import type { BucketInfo } from "../kv/index.js";
import { bucketAccountsFor, type Evictions, mayResume, retains } from "../rules/index.js";
import type { SnapshotStore } from "../store/index.js";
import type { WatchCursor } from "../values/index.js";
import type { BucketFacts, BucketIdentity, CursorOrigin, StartOverReason } from "../watch/index.js";
import type { OriginNote } from "./origin-note.js";

/** What the copy is and belongs to, as noted, against what the bucket says it is. */
export class ReplicaOrigin implements CursorOrigin {
  readonly #look: () => Promise<BucketInfo>;
  readonly #copy: Pick<SnapshotStore, "size" | "cursor">;
  readonly #scope: readonly string[];
  readonly #note: OriginNote;
  readonly #evictions: Evictions;
  /** Whether a log that a power loss brings back can only hold positions that the source itself will refuse. */
  #isSettled = false;

  /** `look` asks the bucket. `evictions`: what becomes of what the bucket drops by itself. */
  constructor(
    look: () => Promise<BucketInfo>,
    copy: Pick<SnapshotStore, "size" | "cursor">,
    scope: readonly string[],
    note: OriginNote,
    evictions: Evictions,
  ) {
    this.#look = look;
    this.#copy = copy;
    this.#scope = scope;
    this.#note = note;
    this.#evictions = evictions;
  }

  async read(): Promise<BucketFacts> {
    const info = await this.#look();
    const { name, created, firstSequence, lastSequence, records, limits, serverTimeMs } = info;
    // A stream rolled back may grow past the position later: then too it must not come back.
    if ((this.#copy.cursor().toU64() ?? 0n) > lastSequence) this.#isSettled = false;
    return {
      bucket: name,
      created,
      firstSequence,
      records,
      lastSequence,
      limits,
      ...(Number.isFinite(serverTimeMs) ? { serverTimeMs } : {}),
    };
  }

  refusal(actual: BucketFacts, position: WatchCursor): StartOverReason | undefined {
    const identity = { bucket: actual.bucket, created: actual.created, scope: this.#scope };
    if (mayResume(this.#note.identity, identity) !== "yes") return "foreign-cursor";
    // It holds on purpose what the bucket has no record of, and its position is refused by the bucket's first record where that matters.
    if (retains(this.#evictions, actual.limits)) return undefined;
    const copy = { keys: this.#copy.size, revision: position.toU64() };
    if (bucketAccountsFor(copy, actual)) return undefined;
    // New records may make it seem to account for the copy later: the position must not come back.
    this.#isSettled = false;
    return "cursor-expired";
  }

  async adopt(actual: BucketIdentity): Promise<void> {
    const identity = { bucket: actual.bucket, created: actual.created, scope: this.#scope };
    // A small bucket written all the time can expire a position every second: three syncs each are too dear for nothing new.
    if (this.#isSettled && mayResume(this.#note.identity, identity) === "yes") return;
    await this.#note.write(identity);
    this.#isSettled = true;
  }
}
