import { type BackoffLimits } from "./backoff.js";
import { isSetupMistake } from "./start-failure.js";

/** A bucket that is made again, or a right that is given back, is often only seconds away: for so long it is looked for. */
const SOON_MS = 30_000;
/** The longest wait meanwhile. */
const ORDINARY_MS = 1_000;
/** The longest wait after that: trying more often helps nobody. */
const CALM_MS = 30_000;

/**
 * How often a source is tried again that has been failing for `failingMs`, now with `error`: within `limits`. Where only a person can
 * mend it, every second at first, and more calmly, up to half a minute, once that has lasted.
 */
export function retryPace(error: unknown, limits: BackoffLimits, failingMs: number): BackoffLimits {
  const { minMs, maxMs } = limits;
  if (!isSetupMistake(error)) return limits;
  if (failingMs < SOON_MS) return { minMs, maxMs: Math.max(minMs, Math.min(maxMs, ORDINARY_MS)) };
  return { minMs, maxMs: Math.max(maxMs, CALM_MS) };
}
