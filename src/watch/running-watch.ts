import type { RemovalReason, VersionToken, WatchCursor } from "../values/index.js";
import type { AuditReport } from "./events.js";

/** An entry as somebody saw it. */
export interface SeenEntry {
  readonly key: string;
  readonly version: VersionToken;
}

/** A watch that has begun. */
export interface RunningWatch {
  /** Settles as the promise of `watchApplied` does. */
  readonly done: Promise<WatchCursor>;
  /**
   * Compares the copy with the bucket by key and version while the watch goes on, mends what differs, and tells. Waits until the
   * watch has caught up. One at a time: a second call waits for the first. Needs `auditor`, else `invalid-argument`; throws what
   * the source throws, `closed` after the watch has ended, and the signal's reason.
   */
  audit(options?: { readonly signal?: AbortSignal }): Promise<AuditReport>;
  /**
   * Removes, in order with the flow, those entries that still have this version when it is their turn, and resolves with how many
   * once they are applied. Moves no position. Not to be awaited from within `apply`, whose end it waits for. Needs `store`, else `invalid-argument`; `closed` after the watch has ended.
   */
  remove(entries: readonly SeenEntry[], reason: RemovalReason): Promise<number>;
}
