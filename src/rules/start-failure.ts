import { isMillpondError, type ErrorCode } from "../errors/index.js";

const HOPELESS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "authorization",
  "bucket-not-found",
  "server-too-old",
  "invalid-argument",
  "invalid-key",
]);

/**
 * Whether a failure at the very first contact is a mistake in how the watch was set up, which waiting will not mend. Once a
 * watch has run, the same failure is an outage: credentials are being rotated, the bucket is being made again.
 */
export function isSetupMistake(error: unknown): boolean {
  return isMillpondError(error) && HOPELESS.has(error.code);
}
