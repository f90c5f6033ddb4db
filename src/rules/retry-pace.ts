import { type BackoffLimits } from "./backoff.js";
import { isSetupMistake } from "./start-failure.js";

/** The longest wait for what only a person can mend: trying more often helps nobody. */
const CALM_MS = 30_000;

/**
 * How often a source is tried again that failed with `error`: within `limits`; where only a person can mend it, more and more
 * calmly, up to half a minute. The first attempts come soon all the same: a bucket that is made again, or a right that is given back,
 * is often only seconds away.
 */
export function retryPace(error: unknown, limits: BackoffLimits): BackoffLimits {
  if (!isSetupMistake(error)) return limits;
  return { minMs: limits.minMs, maxMs: Math.max(limits.maxMs, CALM_MS) };
}
