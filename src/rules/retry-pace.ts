import { type BackoffLimits } from "./backoff.js";
import { isSetupMistake } from "./start-failure.js";

/** For what only a person can mend: trying more often helps nobody, less often keeps whoever mended it waiting. */
const CALM: BackoffLimits = { minMs: 5000, maxMs: 30_000 };

/** How often a source is tried again that failed with `error`: calmly where only a person can mend it, else within `limits`. */
export function retryPace(error: unknown, limits: BackoffLimits): BackoffLimits {
  if (!isSetupMistake(error)) return limits;
  return { minMs: Math.max(limits.minMs, CALM.minMs), maxMs: Math.max(limits.maxMs, CALM.maxMs) };
}
