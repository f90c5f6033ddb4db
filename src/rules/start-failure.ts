import { isMillpondError, type ErrorCode } from "../errors/index.js";

const HOPELESS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "authorization",
  "tls-failed",
  "bucket-not-found",
  "server-too-old",
  "invalid-argument",
  "invalid-key",
]);

/**
 * Whether a failure is one that only a person can mend: a mistake in how the watch was set up, credentials that are being
 * rotated, a bucket that was deleted and may be made again.
 */
export function isSetupMistake(error: unknown): boolean {
  return isMillpondError(error) && HOPELESS.has(error.code);
}
