/** A copy at its position. */
export interface HeldCopy {
  /** Keys that have a value in it. */
  readonly keys: number;
  /** The position as a sequence; `undefined` where it is none. */
  readonly revision: bigint | undefined;
}

/** The records that a bucket keeps. */
export interface KeptRecords {
  /** Of the oldest one; last + 1 where none is. */
  readonly firstSequence: bigint;
  /** How many, markers and history included. */
  readonly records: number;
}

/**
 * Whether what a bucket keeps can account for a copy of it. A stream whose start is next to the position counts as whole
 * ({@link resumeIsSound}), also where a purge of all of it moved the start there; such a purge leaves no markers, and the
 * server says nothing (2.10, 2.15). So a copy that holds any keys is refused in two more cases:
 *
 * - It holds more keys than the bucket keeps records: each of them has a record of its own, of its value, a newer one or
 *   its removal, unless that was dropped without a trace. Never a false alarm.
 * - All records are newer than the position: nothing of what the copy was made from is left. A bucket whose every key was
 *   written since looks the same, and is refused without need.
 *
 * A loss of fewer keys, or one that new records have made up for in number, is not seen by this.
 */
export function bucketAccountsFor(copy: HeldCopy, bucket: KeptRecords): boolean {
  if (copy.keys === 0) return true;
  if (copy.keys > bucket.records) return false;
  return copy.revision === undefined || bucket.firstSequence <= copy.revision;
}
