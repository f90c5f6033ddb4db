import type { ErrorCode } from "./codes.js";

/** What an error says beside its message. */
export interface MillpondErrorOptions {
  /** One sentence for the person at the terminal: what to do about it. */
  readonly hint?: string;
  /** What it was that failed underneath. */
  readonly cause?: unknown;
}

/**
 * The base class of every error that Millpond throws on purpose. Test `code`, not the message or the class. An abort is
 * not wrapped: what a signal was aborted with is thrown as it is.
 */
export class MillpondError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: MillpondErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "MillpondError";
    this.code = code;
    this.hint = options.hint;
  }
}

/** Tells a {@link MillpondError}, of any code or of the one given, from everything else that can be thrown. */
export function isMillpondError(error: unknown, code?: ErrorCode): error is MillpondError {
  return error instanceof MillpondError && (code === undefined || error.code === code);
}
