import { MillpondError, type MillpondErrorOptions } from "./millpond-error.js";

/** A file operation failed; `cause` is the operating system's error. Code `io`. */
export class IoError extends MillpondError {
  readonly path: string;

  constructor(path: string, operation: string, cause: unknown, hint?: string) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super("io", `cannot ${operation} ${path}: ${reason}`, {
      cause,
      ...(hint === undefined ? {} : { hint }),
    });
    this.name = "IoError";
    this.path = path;
  }
}

/**
 * Bytes that are not a snapshot log, or an update that the log's format cannot hold. Code `invalid-format`. `offset` is
 * the position in the file, in bytes from its start, where the file is the culprit.
 */
export class InvalidFormatError extends MillpondError {
  readonly path: string | undefined;
  readonly offset: number | undefined;

  constructor(
    message: string,
    where: { readonly path?: string; readonly offset?: number } = {},
    options: MillpondErrorOptions = {},
  ) {
    super("invalid-format", message, options);
    this.name = "InvalidFormatError";
    this.path = where.path;
    this.offset = where.offset;
  }
}

/** The log is damaged at `offset` (bytes from the start of the file) and good data follows. Code `corrupted`. */
export class CorruptedError extends MillpondError {
  readonly path: string;
  readonly offset: number;

  constructor(path: string, offset: number, what: string, options: MillpondErrorOptions = {}) {
    super("corrupted", `${path} is damaged at byte ${offset}: ${what}`, {
      hint: "Opening it for writing, or `millpond repair FILE`, sets it aside and keeps what is good before that.",
      ...options,
    });
    this.name = "CorruptedError";
    this.path = path;
    this.offset = offset;
  }
}

/** Another writer holds the log. Code `locked`. `pid` is the holder's process id where it could be read. */
export class LockedError extends MillpondError {
  readonly path: string;
  readonly pid: number | undefined;

  constructor(path: string, pid: number | undefined) {
    super(
      "locked",
      `${path} is being written by ${pid === undefined ? "another process" : `process ${pid}`}`,
      {
        hint: "One process writes a log at a time: stop the other one, or read the same directory without writing.",
      },
    );
    this.name = "LockedError";
    this.path = path;
    this.pid = pid;
  }
}
