import { CorruptedError, InvalidFormatError, isMillpondError } from "../errors/index.js";
import type { ErrorCode } from "../errors/index.js";
import { nodeFileSystem } from "../platform/index.js";
import { WatchCursor } from "../values/index.js";
import { FORMAT_VERSION } from "./v2/format.js";
import { io } from "./io-errors.js";
import type { ReadOptions } from "./load.js";
import { openForReading } from "./open-log.js";
import { cursorOf, type RecordFrame } from "./v2/record-frame.js";
import { scanLog, type RecordVisitor } from "./scan-log.js";

/** A log that loads. Sizes in bytes. */
export interface SoundLog {
  readonly result: "ok";
  readonly format: number;
  /** None where the log holds no cursor. */
  readonly cursor: WatchCursor;
  /** Keys that have a value. */
  readonly entries: number;
  /** Records, cursors and superseded ones included. */
  readonly records: number;
  /** Size of the file, the torn tail included. */
  readonly bytes: number;
  /** What a load would drop at the end: a write that was cut short. */
  readonly tornBytes: number;
}

/** Nothing to load: no file, or neither an entry nor a cursor in it. */
export interface EmptyLog {
  readonly result: "none";
  /** Undefined where there is no file. */
  readonly format: number | undefined;
  readonly records: number;
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

export type LogReport = SoundLog | EmptyLog | BrokenLog;

/** Reads the whole log, changes nothing, and throws what {@link load} would. */
export async function verify(
  path: string,
  options: ReadOptions = {},
): Promise<SoundLog | EmptyLog> {
  const handle = await openForReading(options.fs ?? nodeFileSystem, path);
  if (handle === undefined) {
    return { result: "none", format: undefined, records: 0, bytes: 0, tornBytes: 0 };
  }
  try {
    const census = new Census();
    const scan = await io(path, "read", () => scanLog(handle, path, census));
    const { records, tornBytes } = scan;
    const sizes = { format: FORMAT_VERSION, records, bytes: scan.goodBytes + tornBytes, tornBytes };
    const { keys, last } = census;
    if (keys.size === 0 && last.isNone) return { result: "none", ...sizes };
    return { result: "ok", cursor: last, entries: keys.size, ...sizes };
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
class Census implements RecordVisitor {
  readonly keys = new Set<string>();
  last = WatchCursor.none;

  put(key: string): void {
    this.keys.add(key);
  }

  remove(key: string): void {
    this.keys.delete(key);
  }

  cursor(bytes: Buffer, frame: RecordFrame): void {
    this.last = cursorOf(bytes, frame);
  }
}
