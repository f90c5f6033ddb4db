import type { WatchBatch } from "../kv/index.js";
import { WatchCursor } from "../values/index.js";
import type { Delivered } from "./stream-guard.js";
import type { Arrived } from "./watch-arrivals.js";

/** Messages remembered, by which a stream that was rolled back is known: the last of so many batches. */
const RECENT = 8;

/** What the last look at the stream said. */
export interface StreamWindow {
  readonly first: number;
  readonly head: number;
}

/** How far a watch has got, by what it has given out. */
export class WatchProgress {
  readonly #isResumed: boolean;
  #frontier: number;
  #reference: number;
  #delivered = false;
  #caughtUp = false;
  #floor = 1;
  #rebuilds = 0;
  #doubts = 0;
  #recent: Delivered[] = [];
  #seen: Delivered | undefined;

  constructor(from: number | undefined, head: number) {
    this.#isResumed = from !== undefined;
    this.#frontier = from ?? 0;
    this.#reference = from ?? head;
  }

  /** Everything in scope up to here has been delivered. */
  get frontier(): number {
    return this.#frontier;
  }

  /**
   * What may have been dropped up to here does not matter: of the records that were there when a state-sync began, one that
   * is gone says that its key is gone.
   */
  get reference(): number {
    return this.#reference;
  }

  get limit(): number {
    return Math.max(this.#frontier, this.#reference);
  }

  get caughtUp(): boolean {
    return this.#caughtUp;
  }

  /** Until a state-sync is complete. It must always come to an end, also in a bucket whose keys are written again all the time. */
  get isSyncing(): boolean {
    return !this.#isResumed && !this.#caughtUp;
  }

  /** Whether a state-sync has yet to deliver anything, and can as well begin again. */
  get isUnbegun(): boolean {
    return !this.#isResumed && !this.#delivered;
  }

  /** Messages that the stream is known to have had, newest first: delivered ones, and the one that was seen to be its last. */
  get known(): readonly Delivered[] {
    const seen = this.#seen;
    if (seen === undefined) return this.#recent;
    const before = this.#recent.filter(({ sequence }) => sequence > seen.sequence);
    return [...before, seen, ...this.#recent.filter(({ sequence }) => sequence < seen.sequence)];
  }

  /**
   * While it was being followed the stream had this message. In a filtered watch that may be all that shows whether the stream, up to the
   * frontier, is still the same: the frontier moves over messages that are not delivered.
   */
  saw(message: Delivered | undefined): void {
    this.#seen = message ?? this.#seen;
  }

  /** A state-sync begins (again) with the stream at `head`. */
  beginAt(head: number): void {
    this.#reference = head;
  }

  /** `isSame`: whether the stream has been shown to be the one that delivered so far. */
  rebuilt(isSame = true): void {
    this.#rebuilds += 1;
    if (!isSame && !this.isUnbegun) this.#doubts += 1;
  }

  /** Gives the batch out. `isLost`: what delivered it will deliver nothing more. */
  commit(arrived: Arrived, stream: StreamWindow, isLost: boolean): WatchBatch {
    const { updates, through, pending, complete, heardAtMs, last } = arrived;
    this.#frontier = through;
    // The answer of a consumer that has yet to deliver is no beginning.
    if (complete || through > 0) this.#delivered = true;
    if (complete) this.#caughtUp = true;
    if (last !== undefined && last.sequence !== this.#recent[0]?.sequence) {
      this.#recent = [last, ...this.#recent.slice(0, RECENT - 1)];
    }
    const [newest] = this.#recent;
    return {
      updates,
      cursor: WatchCursor.fromU64(through),
      ...(newest?.sequence === through ? { cursorTimeNs: BigInt(newest.timeNs) } : {}),
      heardAtMs,
      head: WatchCursor.fromU64(Math.max(through, stream.head)),
      ...this.#newFloor(arrived, stream),
      pending: isLost ? Math.max(pending, 1) : pending,
      ...(this.#rebuilds === 0 ? {} : { rebuilds: this.#rebuilds }),
      ...(this.#doubts === 0 ? {} : { doubts: this.#doubts }),
      caughtUp: this.#caughtUp,
    };
  }

  /**
   * Only what was true of a moment before the watch was level: else a key whose older record has gone may have a newer one
   * that is still to come. It was level with all up to `level` delivered, so if the stream had ended at or before that when
   * it was looked at, that look came first, or nothing was stored between the two.
   */
  #newFloor({ level }: Arrived, { first, head }: StreamWindow): Pick<WatchBatch, "floor"> {
    if (level < head || first <= this.#floor) return {};
    this.#floor = first;
    return { floor: WatchCursor.fromU64(first) };
  }
}
