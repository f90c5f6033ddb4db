import type { WatchCursor } from "./watch-cursor.js";

/** What a durable copy knows about how far it reaches. */
export interface LogPosition {
  /** Every update up to here is in it. None: no position, or one that was withdrawn. */
  readonly cursor: WatchCursor;
  /** When the source stored the message at the cursor, in ns since 1970; `0n` where that is not known. */
  readonly cursorTimeNs: bigint;
  /** What the cursor belongs to: which bucket, which making of it, which scope. Its text is its writer's business. */
  readonly origin: string | undefined;
}

/** What is known of a position beside the cursor. What is left out is not known; an origin stands until another is given. */
export type PositionDetails = Partial<Omit<LogPosition, "cursor">>;
