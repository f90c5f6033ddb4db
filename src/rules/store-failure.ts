import { isMillpondError } from "../errors/index.js";

const BEYOND_RETRY = ["invalid-format", "invalid-argument", "too-large"] as const;

/**
 * Whether a store that refused a batch with this error would refuse it each time: it cannot hold an update of it, or not all
 * of them at once, and every later batch would wait behind that one for ever.
 */
export function isBeyondRetry(error: unknown): boolean {
  return BEYOND_RETRY.some((code) => isMillpondError(error, code));
}
