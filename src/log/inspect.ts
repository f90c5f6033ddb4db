import { CorruptedError, InvalidFormatError, isMillpondError } from "../errors/index.js";
import type { ErrorCode } from "../errors/index.js";
import { nodeFileSystem } from "../platform/index.js";
import { WatchCursor, type KvUpdate, type LogPosition } from "../values/index.js";
import type { LogFormat } from "./codec.js";
import { io } from "./io-errors.js";
import type { ReadOptions } from "./load.js";
import { openForReading } from "./open-log.js";
import { scanLog } from "./scan-log.js";
import type { LogVisitor } from "./visitor.js";

/** A log that loads. Sizes in bytes. */
export interface SoundLog {
  readonly result: "ok";
  readonly format: LogFormat;
  /** None where the log holds no cursor. */
  readonly cursor: WatchCursor;
  /** When the source stored the message at the cursor, in ns since 1970; undefined where the log does not say. */
  readonly cursorTimeNs: bigint | undefined;
  /** What the cursor belongs to, as its writer put it; undefined where the log does not say. */
  readonly origin: string | undefined;
  /** Keys that have a value. */
  readonly entries: number;
  /** Records, superseded ones and those of cursors (format 2) included. */
  readonly records: number;
  /** Frames (format 3: one for each batch); in format 2 each record is one. */
  readonly frames: number;
  /** Size of the file, the torn tail included. */
  readonly bytes: number;
  /** What a load would drop at the end: a write that was cut short. */
  readonly tornBytes: number;
}

/** Nothing to load: no file, or neither an entry nor a cursor in it. */
export interface EmptyLog {
  readonly result: "none";
  /** Undefined where there is no file. */
  readonly format: LogFormat | undefined;
  readonly records: number;
  readonly frames: number;
  readonly bytes: number;
  readonly tornBytes: number;
}

/** What a load would throw. */
export interface BrokenLog {
  readonly result: "error";
  readonly code: ErrorCode;
  /** Where in the file, where that is known. */
  readonly offset: number | undefined;
  readonly message: string;
  readonly hint: string | undefined;
}

/** What a log holds, or what is wrong with it. */
export type LogReport = SoundLog | EmptyLog | BrokenLog;

/** Reads the whole log, changes nothing, and throws what {@link load} would. */
export async function verify(
  path: string,
  options: ReadOptions = {},
): Promise<SoundLog | EmptyLog> {
  const handle = await openForReading(options.fs ?? nodeFileSystem, path);
  if (handle === undefined) {
    return { result: "none", format: undefined, records: 0, frames: 0, bytes: 0, tornBytes: 0 };
  }
  try {
    const census = new Census();
    const scan = await io(path, "read", () => scanLog(handle, path, census));
    const { format, records, frames, goodBytes, tornBytes } = scan;
    const sizes = { records, frames, bytes: goodBytes + tornBytes, tornBytes };
    const { keys, last } = census;
    const cursor = last?.cursor ?? WatchCursor.none;
    if (format === undefined || (keys.size === 0 && cursor.isNone)) {
      return { result: "none", format, ...sizes };
    }
    return {
      result: "ok",
      format,
      cursor,
      cursorTimeNs: last?.cursorTimeNs || undefined,
      origin: last?.origin,
      entries: keys.size,
      ...sizes,
    };
  } finally {
    await handle.close().catch(() => undefined);
  }
}

/** As {@link verify}, but what is wrong with the file is part of the answer. */
export async function inspectLog(path: string, options: ReadOptions = {}): Promise<LogReport> {
  try {
    return await verify(path, options);
  } catch (error) {
    if (!isMillpondError(error)) throw error;
    const located = error instanceof CorruptedError || error instanceof InvalidFormatError;
    return {
      result: "error",
      code: error.code,
      offset: located ? error.offset : undefined,
      message: error.message,
      hint: error.hint,
    };
  }
}

/** Which keys live, without their values. */
class Census implements LogVisitor {
  readonly withoutValues = true;
  readonly keys = new Set<string>();
  last: LogPosition | undefined;

  update({ kind, key }: KvUpdate): void {
    if (kind === "put") this.keys.add(key);
    else this.keys.delete(key);
  }

  position(position: LogPosition): void {
    this.last = position;
  }
}
