import type { Clock } from "../platform/index.js";
import { dropsUnseen, laterCursor, sameRecord } from "../rules/index.js";
import { type KvRemoval, type KvUpdate, VersionToken, type WatchCursor } from "../values/index.js";
import type { FlushBatch } from "./batcher.js";
import type { BucketKnowledge } from "./bucket-knowledge.js";
import type { CopyView } from "./copy-view.js";
import type { FollowStage, Stage, StageParts } from "./follow-stage.js";
import { inSlices } from "./in-slices.js";
import type { WatchLimits } from "./limits.js";
import { nowhere, type Position, positionAfter } from "./position.js";
import { sizeOf } from "./update-queue.js";

export interface SyncParts<U> extends StageParts<U> {
  readonly follow: FollowStage<U>;
  readonly copy: CopyView;
  readonly bucket: BucketKnowledge;
  readonly limits: WatchLimits;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Whether the copy may be of another bucket, or of another making of this one. */
  readonly isForeign: boolean;
  /** Notes whose the positions are that follow. The store holds none at that moment. */
  readonly adopt: () => Promise<void>;
}

interface Difference<U> {
  readonly update: KvUpdate;
  readonly outcome: U | undefined;
}

/**
 * A repair: makes a copy that holds something equal to the bucket, of which the watch brings every key once. Each key that comes is
 * marked; what the copy has already is left out. Once the watch has caught up, the keys without a mark go. The store holds no
 * position until then, so that whatever interrupts this, it begins again.
 *
 * A removal that is made up here never hits a key that the bucket has. Such a key's last record is brought by the watch, since the watch began
 * before or after it was written: before, and the record is among the last of each key that the watch brings first; after, and the watch brings
 * it live. Either way the key is marked, or, coming after the watch has caught up, applied after the removal, because batches
 * are applied in order. A key whose record is a removal is marked too: the removal itself is applied. So what has no mark had no record when
 * the watch caught up.
 *
 * Differences are held back within the limits of what may be held, so that a small repair is one batch to its reader and one write
 * to the store. A larger one shows key by key, each from its old to its new value, the removals last: nothing disappears
 * before all that the bucket has is there.
 *
 * Memory: a mark for each key of the bucket, about its characters and 50 bytes, until the sync is complete; and what is held back.
 */
export class SyncStage<U> implements Stage<U> {
  readonly #parts: SyncParts<U>;
  readonly #marks = new Set<string>();
  /** By key, the last of each; in the order of the bucket. Only while nothing has been shown. */
  #held = new Map<string, Difference<U>>();
  #heldBytes = 0;
  #isHolding = true;
  #position: Position = nowhere;
  #floor: WatchCursor | undefined;
  #changed = 0;
  #isComplete = false;

  constructor(parts: SyncParts<U>) {
    this.#parts = parts;
  }

  async flush(batch: FlushBatch<U>): Promise<void> {
    const { follow, flusher, known } = this.#parts;
    if (this.#isComplete) {
      await follow.flush(batch);
      return;
    }
    this.#take(batch);
    known.note(batch.raw);
    if (this.#isFull) this.#isHolding = false;
    if (!this.#isHolding) await this.#show();
    if (batch.caughtUp) await this.#complete();
    flusher.report(batch, this.#isComplete);
  }

  #take(batch: FlushBatch<U>): void {
    const { copy } = this.#parts;
    for (const [index, update] of batch.raw.entries()) {
      const { key } = update;
      this.#marks.add(key);
      const earlier = this.#held.get(key);
      // To the end: the order is that of the last update of each key.
      if (earlier !== undefined) this.#drop(key, earlier);
      const held = copy.hasEntries ? copy.get(key) : undefined;
      const isNew =
        update.kind === "put"
          ? held === undefined || !sameRecord(held, update)
          : held !== undefined || !copy.hasEntryOfEach;
      if (isNew) this.#hold(key, { update, outcome: batch.outcomes[index] });
    }
    this.#position = positionAfter(this.#position, batch);
    this.#floor =
      this.#floor === undefined || batch.floor === undefined
        ? (batch.floor ?? this.#floor)
        : laterCursor(this.#floor, batch.floor);
  }

  #hold(key: string, difference: Difference<U>): void {
    this.#held.set(key, difference);
    this.#heldBytes += sizeOf(difference.update);
  }

  #drop(key: string, difference: Difference<U>): void {
    this.#held.delete(key);
    this.#heldBytes -= sizeOf(difference.update);
  }

  get #isFull(): boolean {
    const { maxHeldUpdates, maxHeldBytes } = this.#parts.limits;
    return this.#held.size > maxHeldUpdates || this.#heldBytes > maxHeldBytes;
  }

  /** Commits what is held back, without a position. */
  async #show(): Promise<void> {
    const { flusher, limits } = this.#parts;
    const differences = this.#takeHeld();
    for (let from = 0; from < differences.length; from += limits.maxRaw) {
      await flusher.commit(changesOf(differences.slice(from, from + limits.maxRaw)), nowhere);
    }
  }

  #takeHeld(): Difference<U>[] {
    const differences = [...this.#held.values()];
    this.#held = new Map();
    this.#heldBytes = 0;
    this.#changed += differences.length;
    return differences;
  }

  async #complete(): Promise<void> {
    const { follow, bucket, known, floors, isForeign, adopt, limits, parse, emit } = this.#parts;
    const unseen = dropsUnseen(isForeign, bucket.evictions, bucket.limits)
      ? await this.#unseen()
      : [];
    const isSmall = this.#isHolding && this.#held.size + unseen.length <= limits.maxHeldUpdates;
    const sweep = unseen.map((update) => ({ update, outcome: parse(update) }));
    // An interrupted repair must know again that it has to drop all that is not the bucket's, also what would else be retained.
    const mustFinishFirst = isForeign && bucket.retains;
    if (isSmall && !mustFinishFirst) {
      await adopt();
      await follow.commit(changesOf([...this.#takeHeld(), ...sweep]), this.#floor, this.#position);
    } else {
      await this.#show();
      await follow.remove(unseen);
      await adopt();
      await follow.commit({ raw: [], outcomes: [] }, this.#floor, this.#position);
    }
    // What has come since a floor was looked for may be older than what was found then.
    floors.forget();
    this.#isComplete = true;
    this.#marks.clear();
    known.complete();
    emit({ type: "repair-finished", deleted: unseen.length, changed: this.#changed });
  }

  async #unseen(): Promise<KvRemoval[]> {
    const { copy, clock, signal } = this.#parts;
    const keys = new Set<string>();
    await inSlices(copy.keys(), clock, signal, (key) => {
      if (!this.#marks.has(key)) keys.add(key);
    });
    return [...keys].map((key) => ({
      kind: "delete",
      key,
      version: VersionToken.unknown,
      reason: "vanished",
    }));
  }
}

function changesOf<U>(differences: readonly Difference<U>[]) {
  return {
    raw: differences.map(({ update }) => update),
    outcomes: differences.map(({ outcome }) => outcome),
  };
}
