import { isOlder } from "../rules/index.js";
import type { KvRemoval, WatchCursor } from "../values/index.js";
import type { Changes, FlushBatch } from "./batcher.js";
import type { WatchEvent } from "./events.js";
import type { Flusher } from "./flusher.js";
import type { FloorSweep } from "./floor-sweep.js";
import type { KnownKeys } from "./known-keys.js";
import { type Position, positionAfter } from "./position.js";
import type { StoreWriter } from "./store-writer.js";
import type { KvUpdate } from "../values/index.js";

/** What becomes of each batch of a watch. Called by one at a time, with nothing else changing the copy meanwhile. */
export interface Stage<U> {
  flush(batch: FlushBatch<U>): Promise<void>;
}

export interface StageParts<U> {
  readonly parse: (update: KvUpdate) => U | undefined;
  readonly flusher: Flusher<U>;
  readonly writer: StoreWriter;
  readonly known: KnownKeys;
  readonly floors: FloorSweep;
  /** Whether an audit has yet to tell if the bucket has the history that the copy is of. */
  readonly isUnproven: () => boolean;
  readonly emit: (event: WatchEvent) => void;
}

/** So that other work has its turn between two of them. */
const REMOVALS_PER_BATCH = 1000;

/** Applies each batch as it comes. */
export class FollowStage<U> implements Stage<U> {
  readonly #parts: StageParts<U>;

  constructor(parts: StageParts<U>) {
    this.#parts = parts;
  }

  async flush(batch: FlushBatch<U>): Promise<void> {
    const { flusher, known } = this.#parts;
    // Before: it can be read as soon as it is applied, and an audit beside it must leave it alone from then on.
    known.note(batch.raw);
    await this.commit(batch, batch.floor, this.#positionAfter(batch));
    flusher.report(batch);
  }

  /** Without its time while the history is not proven: by that, the next watch would take for proven what has not been compared yet. */
  #positionAfter(batch: FlushBatch<U>): Position {
    const { writer, isUnproven } = this.#parts;
    const position = positionAfter(writer.position, batch);
    return isUnproven() ? { ...position, timeNs: 0n } : position;
  }

  /**
   * Commits the changes, and before them what a floor that has moved leaves behind. The position comes with the changes, last of all: it says
   * that the copy is what the bucket was at that point, and the next watch may not tell of this floor again. The other way round whoever
   * follows the store would see changes ahead of its position. While the history is not proven nothing goes: the bucket may have the key of an
   * old entry without the watch having told. The audit that is due knows, and what was told meanwhile counts after it.
   */
  async commit(
    changes: Changes<U>,
    told: WatchCursor | undefined,
    position: Position,
  ): Promise<void> {
    const { flusher, floors, isUnproven, emit } = this.#parts;
    const floor = floors.counting(told, isUnproven());
    if (floor !== undefined && floors.isDue(floor)) {
      const removals = await floors.find(floor, new Set(changes.raw.map(({ key }) => key)));
      await this.remove(removals);
      if (removals.length > 0) emit({ type: "swept", floor, deleted: removals.length });
    }
    await flusher.commit(told === undefined ? changes : this.#heeding(changes, told), position);
  }

  /** With removals in the place of what the floor has left behind since it was sent. */
  #heeding(changes: Changes<U>, floor: WatchCursor): Changes<U> {
    const { parse, known, floors } = this.#parts;
    if (!changes.raw.some(({ version }) => isOlder(version, floor))) return changes;
    const raw = changes.raw.map((update) =>
      update.kind === "put" ? (floors.removalOf(update, floor) ?? update) : update,
    );
    known.note(raw);
    const outcomes = raw.map((update, index) =>
      update === changes.raw[index] ? changes.outcomes[index] : parse(update),
    );
    return { raw, outcomes };
  }

  /** In batches, which move no position. */
  async remove(removals: readonly KvRemoval[]): Promise<void> {
    const { parse, flusher, writer, known } = this.#parts;
    for (let from = 0; from < removals.length; from += REMOVALS_PER_BATCH) {
      const raw = removals.slice(from, from + REMOVALS_PER_BATCH);
      known.noteSwept(raw);
      await flusher.commit({ raw, outcomes: raw.map(parse) }, writer.position);
    }
  }
}

/** Fills an empty copy: what a watch brings that began with the full state, until it has caught up, is all that the bucket has. */
export class FillStage<U> implements Stage<U> {
  readonly #follow: FollowStage<U>;
  readonly #known: KnownKeys;
  #isComplete = false;

  constructor(follow: FollowStage<U>, known: KnownKeys) {
    this.#follow = follow;
    this.#known = known;
  }

  async flush(batch: FlushBatch<U>): Promise<void> {
    if (batch.caughtUp && !this.#isComplete) {
      this.#isComplete = true;
      this.#known.complete();
    }
    await this.#follow.flush(batch);
  }
}
