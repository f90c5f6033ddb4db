import type { VersionToken, WatchCursor } from "../values/index.js";

/** Why a watch starts over with the full state instead of resuming. */
export type StartOverReason =
  /** The bucket may have dropped something after the position, or no longer accounts for the copy ({@link CursorOrigin}). */
  | "cursor-expired"
  /** There is no position: a first start, or one that never reached its first checkpoint. */
  | "no-cursor"
  /** The position belongs to another bucket, another making of it or another scope ({@link CursorOrigin}), or the bucket is gone. */
  | "foreign-cursor";

/** What a comparison of the copy with the bucket found, and mended. */
export interface AuditReport {
  /** The copy's position when the comparison ended. */
  readonly cursor: WatchCursor;
  /** Records of the bucket that were compared, removals included. */
  readonly records: number;
  /** Keys with a value in the bucket and none in the copy. */
  readonly missing: number;
  /** Keys of which the copy had another version. */
  readonly stale: number;
  /** Keys with a value in the copy and none in the bucket. */
  readonly extra: number;
  /** The first 100 of them; `undefined`: none there. */
  readonly differing: readonly KeyDifference[];
}

/** A key that was not the same in the copy as in the bucket. */
export interface KeyDifference {
  readonly key: string;
  readonly copy: VersionToken | undefined;
  readonly bucket: VersionToken | undefined;
}

/** What the loop tells about itself, in order and synchronously. */
export type WatchEvent =
  /** A watch is set up. */
  | {
      readonly type: "watching";
      /** The position it resumed after; none: the full state comes first. */
      readonly from: WatchCursor;
      /**
       * The bucket has nothing at the position any more, or the position has no time to compare: a bucket that was rolled back and has grown past
       * it looks like one that went on, until `audited`; told with each watch until then. An audit comes by itself where there is an auditor; without one this is left out.
       */
      readonly isUnproven?: true;
    }
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
      /** The newest position that the source is known to have, also of what is not in scope; left out where it has not said. */
      readonly head?: WatchCursor;
      /**
       * When the source gave what tells of this, in ms since 1970 by this machine's clock as it is set now: with nothing pending, the copy is what the bucket
       * was then. Since then it waited for its batch to close, for `apply` and for the store. Left out where more of the same is to come.
       */
      readonly takenAt?: number;
      /** How often the source had replaced what delivers by then (`WatchBatch.rebuilds`); left out: never. */
      readonly rebuilds?: number;
      /** What may have been lost without a word is being looked for: that nothing is pending proves nothing until that is done. */
      readonly isUnchecked?: true;
    }
  /** All there was when this watch began has been applied. Once for each watch. */
  | { readonly type: "caught-up"; readonly cursor: WatchCursor }
  /** The copy is made equal to the bucket, of which every key comes again. What it has is served meanwhile. */
  | { readonly type: "repair-started"; readonly reason: StartOverReason }
  /**
   * The copy is the bucket again, in the store too unless that fails. `deleted` keys that did not belong to it any more are gone:
   * the bucket no longer has them, or the scope is another. `changed` updates were applied, the rest was in the copy already.
   */
  | { readonly type: "repair-finished"; readonly deleted: number; readonly changed: number }
  /** Entries that the bucket's own window has left behind ({@link WatchBatch.floor}) are gone from the copy. */
  | { readonly type: "swept"; readonly floor: WatchCursor; readonly deleted: number }
  /** The keys that are known were counted against the bucket's. Not ok: an audit follows. */
  | { readonly type: "counted"; readonly ok: boolean }
  /** A count or an audit that was due could not be done; it is tried again, sooner where one is waited for. */
  | { readonly type: "check-failed"; readonly error: unknown }
  /** The copy was compared with the bucket record by record, and what differed was mended. */
  | { readonly type: "audited"; readonly report: AuditReport }
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
