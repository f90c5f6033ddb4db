import type { KvWatch } from "../kv/index.js";
import type { StartOverReason } from "./events.js";
import type { BucketFacts } from "./options.js";
import type { Position } from "./position.js";

/** What a watch that begins with the full state makes good. */
export interface Repair {
  readonly reason: StartOverReason;
  readonly actual: BucketFacts | undefined;
}

export interface FollowingPhase {
  readonly kind: "following";
  readonly watch: KvWatch;
  readonly from: Position;
  /** `undefined`: the copy was empty, or is what it was at `from`. */
  readonly repair?: Repair;
  /** Whether an audit has yet to tell if the bucket is what it was at `from`, and has gone on. */
  readonly isUnproven?: boolean;
}

/** Where the loop is. Each phase is one step that says which comes next; only `backing-off` lets time pass. */
export type Phase =
  | { readonly kind: "resuming"; readonly from: Position }
  | { readonly kind: "starting-over"; readonly reason: StartOverReason }
  | FollowingPhase
  | { readonly kind: "backing-off"; readonly error: unknown; readonly next: Phase };

/** Carries past the retries an error that ends the watch. */
export class FinalError extends Error {
  override readonly cause: unknown;

  constructor(cause: unknown) {
    super("ends the watch");
    this.cause = cause;
  }
}
