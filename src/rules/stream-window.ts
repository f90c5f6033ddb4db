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
  /** Whether its own limits (age, size with discard old, time to live) can drop the last record of a key. */
  readonly evicts: boolean;
}

/**
 * Whether a live watch that has everything up to `frontier` and now meets a gap can take the gap for harmless: other keys,
 * or records that newer ones of the same keys replaced. A server tells a watch that was overrun nothing (2.10, 2.15).
 *
 * The stream must still begin at or before the next sequence. That errs on the safe side: where every key of a bucket was
 * written again while the watch lagged behind, nothing is lost, but a purge by an operator would look the same. Only for a
 * gap `whileIdle`, which the server reports by a heartbeat to a watch that waits for it, is more known: what a stream that
 * drops no last record stored in that time was delivered, or is not in scope.
 */
export function gapIsHarmless(frontier: number, floor: StreamFloor, whileIdle: boolean): boolean {
  return floor.firstSequence <= frontier + 1 || (whileIdle && !floor.evicts);
}
