import type { WatchCursor } from "../values/index.js";

/** Why a watch starts over with the full state instead of resuming. */
export type StartOverReason =
  /** The bucket may have dropped something after the position, or no longer accounts for the copy ({@link CursorOrigin}). */
  | "cursor-expired"
  /** There is no position: a first start, or one that never reached its first checkpoint. */
  | "no-cursor"
  /** The position belongs to another bucket, another making of it or another scope ({@link CursorOrigin}), or the bucket is gone. */
  | "foreign-cursor";

/** What the loop tells about itself, in order and synchronously. */
export type WatchEvent =
  /** A watch is set up. `from` is the position it resumed after; none: the full state comes first. */
  | { readonly type: "watching"; readonly from: WatchCursor }
  /** A batch has been applied. */
  | {
      readonly type: "progress";
      /** Updates applied since the call, synthetic deletes not counted. */
      readonly received: number;
      /** Updates known to come: queued here, or reported by the source. */
      readonly pending: number;
      /** Whether this watch has delivered all there was when it began. */
      readonly caughtUp: boolean;
      /** Position of what has been applied; with a failing store, ahead of what `onApplied` reported. */
      readonly cursor: WatchCursor;
    }
  /** All there was when this watch began has been applied. Once for each watch. */
  | { readonly type: "caught-up"; readonly cursor: WatchCursor }
  /** The keys of the bucket are compared with those of the copy. */
  | { readonly type: "repair-started"; readonly reason: StartOverReason }
  /**
   * `deleted` keys that did not belong to the copy any more are gone from it: the bucket no longer has them, or the scope is
   * another. The full state follows.
   */
  | { readonly type: "repair-finished"; readonly deleted: number }
  /** The source failed; the next attempt follows after `delayMs`. `failures` in a row since it was last caught up. */
  | {
      readonly type: "retrying";
      readonly error: unknown;
      readonly delayMs: number;
      readonly failures: number;
    }
  /** The store refused a write, or the origin one of its own; what it refused is kept and given again, in order. */
  | { readonly type: "store-failed"; readonly error: unknown; readonly failures: number }
  | { readonly type: "store-recovered" }
  /** As much is held as may be: nothing more is taken from the source until the store has taken it. */
  | { readonly type: "store-blocking" }
  | { readonly type: "store-unblocked" };
