const U64_MAX = (1n << 64n) - 1n;

/** The sequences that a stream still holds records of. */
export interface StreamWindow {
  /** Of the oldest record that is kept; last + 1 where none is. */
  readonly firstSequence: bigint;
  /** Of the newest record ever written; 0 before the first. */
  readonly lastSequence: bigint;
}

/**
 * Whether a watch may go on after `revision` without having missed anything: the stream still begins at or before the
 * next sequence, and has not ended before the revision, which would make it another stream or one rolled back. The server
 * does not say so itself: it starts later (2.10, 2.15), earlier (2.10, past the end) or stays silent (2.15, past the end).
 * The largest u64 is refused, because the sequence after it would wrap to 0.
 */
export function resumeIsSound(revision: bigint, window: StreamWindow): boolean {
  if (revision < 0n || revision >= U64_MAX) return false;
  return window.firstSequence <= revision + 1n && revision <= window.lastSequence;
}

/** What a look at a stream says about what it may have dropped. */
export interface StreamFloor {
  readonly firstSequence: number;
  /** Number of keys that the stream holds a record of, markers included. */
  readonly subjects: number;
  /** Whether its own limits (age, size with discard old, time to live) can drop the last record of a key. */
  readonly evicts: boolean;
}

/**
 * Whether a live watch that has everything up to `frontier` and now meets a gap can take the gap for harmless: other keys,
 * or records that newer ones of the same keys replaced. A server tells a watch that was overrun nothing (2.10, 2.15).
 *
 * A first sequence at or before the next one proves it. One past that proves loss only where the stream drops last records:
 * in a stream that does not, every record so dropped was replaced (small buckets of busy keys do so all day), unless an
 * operator purged, which shows as fewer keys than `subjectsBefore`, the number at the watch's last look.
 */
export function gapIsHarmless(
  frontier: number,
  subjectsBefore: number,
  floor: StreamFloor,
): boolean {
  if (floor.firstSequence <= frontier + 1) return true;
  return !floor.evicts && floor.subjects >= subjectsBefore;
}
