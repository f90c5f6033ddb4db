import { isMillpondError } from "../errors/index.js";

/**
 * Whether a store that refused a batch with this error would refuse it each time: it cannot hold an update of it, and every
 * later batch would wait behind that one for ever.
 */
export function isBeyondRetry(error: unknown): boolean {
  return isMillpondError(error, "invalid-format") || isMillpondError(error, "invalid-argument");
}
