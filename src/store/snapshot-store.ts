import type { MillpondError } from "../errors/index.js";
import type { KvEntry, KvUpdate, PositionDetails, WatchCursor } from "../values/index.js";

/**
 * A durable copy that a watch keeps. What it holds is a pure function of the updates it was given: the same log gives the
 * same state, and losing it costs a re-list and nothing else. Any implementation runs the suite in `millpond/testing`.
 *
 * One store writes a copy at a time: opening a copy that is open, in this process or another, throws `locked` until that one
 * is closed or its process has died. Two writers would each put positions over the other's data.
 */
export interface SnapshotStore extends AsyncDisposable {
  /**
   * Takes the updates (in revision order, also those that the watch's `parse` turned down) and the position after them as
   * one: a crash leaves both or neither, or data ahead of its cursor, never a cursor ahead of its data. An empty batch
   * still moves the cursor. On a throw nothing was taken, and the same batch may be given again.
   *
   * `details.origin` says, in words of the caller's, what the position belongs to, and `details.cursorTimeNs` when the source
   * stored the message at the cursor. A store that {@link SnapshotStore.holdsOrigin} keeps both with the position, as one. An
   * origin that is left out stands as it was; a time that is left out is not known.
   */
  apply(batch: readonly KvUpdate[], cursor: WatchCursor, details?: PositionDetails): Promise<void>;
  /** Whether an origin is kept. Default false: a replica then keeps it in a file of its own. */
  readonly holdsOrigin?: boolean;
  /** The origin that was given last; `undefined` where none was, or none is kept. */
  origin?(): string | undefined;
  /** The time that was given with the position, in ns since 1970; `0n` where none was, or none is kept. */
  cursorTimeNs?(): bigint;
  /** The key's entry; its `value` is the caller's own. */
  get(key: string): KvEntry | undefined;
  /**
   * Entries whose keys start with `prefix` (`""`: all), ascending by the UTF-8 bytes of the key: those of the moment of the call, whatever is
   * applied while they are walked.
   */
  range(prefix: string): Iterable<KvEntry>;
  /** As {@link SnapshotStore.range}, handing each entry to `visit`; a throw from it stops the scan and is passed on. */
  forEachInRange(prefix: string, visit: (entry: KvEntry) => void): void;
  /** Makes all that was applied survive a power loss. Left out where `apply` itself does, or where nothing can. */
  sync?(): Promise<void>;
  /** The position after the last batch taken; none before the first. */
  cursor(): WatchCursor;
  /** Number of keys that have a value. */
  readonly size: number;
  /**
   * Why the store could not make its file smaller when that was last due; `undefined` where it could. Nothing is lost by it, but the
   * file grows. Left out by a store that never has to.
   */
  readonly compactionError?: MillpondError | undefined;
  /** Gives up the file and its lock. Idempotent. Every later `apply` throws `closed`. */
  close(): Promise<void>;
}
