import type { KvUpdate, WatchCursor } from "../values/index.js";
import type { WatchScope } from "./scope.js";

/** Where a watch begins, and what ends it. */
export interface WatchOptions {
  /**
   * Deliver only what came after this position. Throws `cursor-expired`, at the call or later from the iteration, once
   * the bucket may have dropped something after it. Left out (or none): the current state of every key in scope first.
   */
  readonly from?: WatchCursor;
  /**
   * The caller drops keys by {@link WatchBatch.floor}. Then a live watch that was overrun, or comes back after a time without a
   * line, goes on with what the bucket still holds and tells the floor, where else it would throw `cursor-expired`: all that the
   * bucket has lies ahead of it, so nothing is missed but what has gone. A position to begin with is judged as ever, and a
   * bucket that was made again or rolled back ends the watch all the same. Default false.
   */
  readonly sweeps?: boolean;
  /** Ends the watch; the iteration throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A run of updates, in the bucket's order. */
export interface WatchBatch {
  /**
   * May be empty: then the batch only moves `cursor`, or says that the watch has caught up, or that it is level still: while
   * nothing happens that is said about once a second. At most 2000.
   */
  readonly updates: readonly KvUpdate[];
  /**
   * Everything in scope up to here has been delivered, this batch included. At or past the version of the last update:
   * a backend may know that nothing in scope lies in between. None before anything is known.
   */
  readonly cursor: WatchCursor;
  /**
   * When the backend stored the message at `cursor`, in ns since 1970; left out where that is not known, as where a bookmark
   * moved the cursor to a message that is not in scope.
   */
  readonly cursorTimeNs?: bigint;
  /**
   * When the backend was last heard of what the batch says, in ms since 1970 by this machine's clock: it may have waited for its reader
   * since. Left out: it has not waited.
   */
  readonly heardAtMs?: number;
  /** The newest position that the backend is known to have, also of what is not in scope; left out where that is not known. */
  readonly head?: WatchCursor;
  /**
   * The bucket keeps no record before this position, as of a moment that lies before one at which all it had in scope had
   * been delivered, this batch included: a key whose last known record is older has gone, also where no marker says so. Told
   * when it has moved, a few seconds later at most once the watch is level. Never goes back. Left out where nothing new is
   * known.
   */
  readonly floor?: WatchCursor;
  /**
   * Updates in scope that the backend has and has not delivered yet, as of this batch. At least 1 where that is not known,
   * because what delivered it was lost since: 0 always proves that the watch was level at a moment after the line was last
   * lost, so far as this source knew when it gave the batch out.
   */
  readonly pending: number;
  /**
   * How often what delivers was lost and replaced before this batch (a line, a server or a consumer that went away); left out:
   * never. The first batch with a higher count comes as soon as the replacement has answered, empty if need be, and its
   * `pending` counts what was missed. So after a lost line a copy is level again only with a batch of a higher count and
   * nothing pending.
   */
  readonly rebuilds?: number;
  /**
   * After how many of them the backend no longer had what it had delivered last, so that nothing shows that it still has the same
   * history: it may have been rolled back. Left out for none.
   */
  readonly doubts?: number;
  /**
   * Whether the watch has, at this batch or an earlier one, delivered all there was when it began. Goes from false to
   * true once.
   */
  readonly caughtUp: boolean;
}

/**
 * One watch. The next batch is asked of the backend only when the iteration asks for it (with a bounded read-ahead), which
 * is the back-pressure. Lost connections, restarts and lost consumers are the backend's to mend: it resumes after the last
 * update it delivered. What it cannot mend, or not within a few seconds, is thrown from the iteration: `cursor-expired`,
 * `bucket-not-found`, `not-connected`, `timeout`, …. All that was delivered stays true, and another watch can go on after it.
 */
export interface KvWatch extends AsyncDisposable, AsyncIterable<WatchBatch> {
  /** For people: what this backend cannot promise this watch, and what to do about it. Left out where there is nothing. */
  readonly warning?: string;
  /** Ends the watch and frees what it holds at the server. The iteration ends without an error. Idempotent. */
  close(): Promise<void>;
}

/** Follows a bucket: its present state or what came after a position, then what comes. */
export interface KvWatcher {
  /** Resolves when the watch is set up: what is written from then on is delivered. */
  watch(scope: WatchScope, options?: WatchOptions): Promise<KvWatch>;
}
