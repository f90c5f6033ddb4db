import { MillpondError, type ErrorCode } from "../../errors/index.js";
import type { WatchCursor } from "../../values/index.js";
import type { LogFormat } from "../codec.js";

/** A damaged log of which the good beginning was kept. Sizes and offsets in bytes. */
export interface LogRepair {
  /** The log, as the caller named it. */
  readonly path: string;
  /** Where in the damaged file the damage begins. */
  readonly offset: number;
  readonly code: ErrorCode;
  /** What was wrong, as the error would have said. */
  readonly message: string;
  readonly format: LogFormat;
  /** Where the damaged file is now; undefined for a dry run. */
  readonly setAside: string | undefined;
  /** Size of the log that has taken its place. */
  readonly keptBytes: number;
  /** Records in it. */
  readonly keptRecords: number;
  /** What is in the damaged file from the damage on. */
  readonly lostBytes: number;
  /** The last position before the damage; none where there is none, or where a later one may have withdrawn it. */
  readonly cursor: WatchCursor;
}

/** The default of {@link HealingOptions.keepCorrupt}. */
export const KEEP_CORRUPT = 3;

/** What opening a log for writing does about damage. */
export interface HealingOptions {
  /**
   * What is done about damage that is no torn end. `quarantine`: the file is set aside as `NAME.corrupt-TIME`, and a new one
   * with all that is good before the damage takes its place; what comes after is lost to the log, and to be had from the
   * source. `throw`: `corrupted` or `invalid-format`, and the file stays as it is. Default `quarantine`.
   */
  readonly onCorruption?: "quarantine" | "throw";
  /** How many damaged files are kept; older ones are removed. At least 1. Default 3. */
  readonly keepCorrupt?: number;
  /** Is told what was done; called before the open returns. Must not throw. */
  readonly onRepair?: (repair: LogRepair) => void;
}

/** Throws `invalid-argument` for options out of bounds. */
export function checkHealing({ onCorruption, keepCorrupt = KEEP_CORRUPT }: HealingOptions): void {
  if (!Number.isInteger(keepCorrupt) || keepCorrupt < 1) {
    throw new MillpondError(
      "invalid-argument",
      `keepCorrupt must be a whole number from 1 on, not ${keepCorrupt}`,
    );
  }
  if (onCorruption !== undefined && onCorruption !== "quarantine" && onCorruption !== "throw") {
    throw new MillpondError(
      "invalid-argument",
      `onCorruption must be "quarantine" or "throw", not ${JSON.stringify(onCorruption)}`,
    );
  }
}
