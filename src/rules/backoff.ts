export interface BackoffLimits {
  /** The shortest wait, in milliseconds. */
  readonly minMs: number;
  /** The longest wait, in milliseconds. */
  readonly maxMs: number;
}

/**
 * How long to wait, in milliseconds, after `failures` failures in a row (1 or more): anywhere between `minMs` and a ceiling
 * that doubles with each failure, up to `maxMs`. The spread over the whole range keeps a fleet that lost its server
 * together from coming back together. `chance` is from 0 (included) to 1.
 */
export function backoffDelay(limits: BackoffLimits, failures: number, chance: number): number {
  // 2^32 is past any ratio of the limits, and keeps the power finite.
  const ceiling = Math.min(limits.maxMs, limits.minMs * 2 ** Math.min(failures, 32));
  return Math.round(limits.minMs + (ceiling - limits.minMs) * chance);
}
