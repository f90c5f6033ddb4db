import type { KvStore } from "../kv/index.js";
import { bucketAccountsFor, type CopyIdentity, mayResume } from "../rules/index.js";
import type { WatchCursor } from "../values/index.js";
import type { BucketFacts, BucketIdentity, CursorOrigin, StartOverReason } from "../watch/index.js";
import type { OriginFile } from "./origin-file.js";

/** What the copy is and belongs to, as noted, against what the bucket says it is. */
export class ReplicaOrigin implements CursorOrigin {
  readonly #source: KvStore;
  readonly #copy: { readonly size: number };
  readonly #scope: readonly string[];
  readonly #file: OriginFile;
  #stored: CopyIdentity | undefined;

  constructor(
    source: KvStore,
    copy: { readonly size: number },
    scope: readonly string[],
    file: OriginFile,
    stored: CopyIdentity | undefined,
  ) {
    this.#source = source;
    this.#copy = copy;
    this.#scope = scope;
    this.#file = file;
    this.#stored = stored;
  }

  async read(): Promise<BucketFacts> {
    const { name, created, firstSequence, records } = await this.#source.info();
    return { bucket: name, created, firstSequence, records };
  }

  refusal(actual: BucketFacts, position: WatchCursor): StartOverReason | undefined {
    const identity = { bucket: actual.bucket, created: actual.created, scope: this.#scope };
    if (mayResume(this.#stored, identity) !== "yes") return "foreign-cursor";
    const copy = { keys: this.#copy.size, revision: position.toU64() };
    return bucketAccountsFor(copy, actual) ? undefined : "cursor-expired";
  }

  async adopt(actual: BucketIdentity): Promise<void> {
    const identity = { bucket: actual.bucket, created: actual.created, scope: this.#scope };
    await this.#file.write(identity);
    this.#stored = identity;
  }
}
