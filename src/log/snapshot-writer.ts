import { dirname } from "node:path";
import { CorruptedError, MillpondError } from "../errors/index.js";
import {
  nodeFileSystem,
  type FileHandle,
  type FileLock,
  type FileSystem,
} from "../platform/index.js";
import type { KvEntry, KvUpdate, WatchCursor } from "../values/index.js";
import { checkByteCount, checkCursor, checkUpdate } from "./check-record.js";
import { replaceWithCompact, type CompactContent, type CompactFile } from "./compact-file.js";
import { HEADER_BYTES } from "./v2/format.js";
import { LogFold } from "./fold.js";
import { isMovedAway, MovedAwayError } from "./in-place.js";
import { io, ioError } from "./io-errors.js";
import { openForWriting, type WritableLog } from "./open-log.js";
import { byFailedWrite, byMove, poisonedError, type Poisoning } from "./poisoning.js";
import { RecordBuffer, recordBytesAtMost } from "./v2/record-buffer.js";
import { Replay, type ReplayVisitor } from "./replay.js";
import { scanLog } from "./scan-log.js";

export interface SnapshotWriterOptions {
  /** Default: the machine's own. */
  readonly fs?: FileSystem;
  /**
   * How many bytes of records wait in memory for a checkpoint before they are written on their own; a single longer
   * record is let in. Default 256 KiB.
   */
  readonly bufferBytes?: number;
  /** Is handed what the log holds already, in order, while {@link SnapshotWriter.open} checks it. */
  readonly replay?: ReplayVisitor;
}

const BUFFER_BYTES = 256 * 1024;
/** After so many writes of `checkpoint` and `flush` they look whether the file is still at its path. */
const PLACE_CHECK_EVERY = 64;

/**
 * Appends updates and cursors to a snapshot log. Keeps no state but the handle, the buffer and the counters. One process
 * at a time, and one writer in it, holds a log.
 *
 * What a resolved `checkpoint` or `flush` acknowledged survives the process (`kill -9`), not a power loss: nothing on that
 * path is synced, because the log is a cache and checkpoints are frequent. A write that fails half-way is taken back
 * from the file, and the records stay in the buffer, so the same call may be made again. Where even that fails, the
 * writer is poisoned: every later call but `rewrite` throws `poisoned`, and the next `open` cuts off the torn end.
 *
 * A file that is moved, removed or replaced under its writer (or whose directory is) is found out by a compaction, which
 * never replaces a file that is not the writer's own, and by one `checkpoint` or `flush` in 64. That call throws `io`, and
 * the writer is poisoned.
 *
 * Calls of `checkpoint`, `flush`, `compact`, `rewrite` and `close` made while a compaction runs wait for it, and then
 * have their effect in the order in which they were made. Updates go to the buffer meanwhile; one that would not fit is refused with `operation-failed`.
 */
export class SnapshotWriter implements AsyncDisposable {
  /** As the caller gave it. */
  readonly path: string;
  readonly #fs: FileSystem;
  readonly #target: string;
  readonly #lock: FileLock;
  readonly #compactThreshold: number;
  readonly #bufferBytes: number;
  readonly #buffer = new RecordBuffer();
  #handle: FileHandle;
  /** Where the next write goes: just after the last whole record in the file. */
  #end: number;
  /** The end of what was acknowledged. */
  #acknowledged: number;
  /** Size of the file after its last compaction, or of its header. */
  #compacted = HEADER_BYTES;
  #poisoning: Poisoning | undefined;
  #untilPlaceCheck = PLACE_CHECK_EVERY;
  /**
   * Settles when the compaction under way has. Every call waits for it in a loop of its own: between the last look at
   * this and the work that follows nothing else may run.
   */
  #rewriting: Promise<void> | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    path: string,
    log: WritableLog,
    compactThreshold: number,
    options: SnapshotWriterOptions,
  ) {
    this.path = path;
    this.#target = log.target;
    this.#handle = log.handle;
    this.#lock = log.lock;
    this.#end = log.size;
    this.#acknowledged = log.size;
    this.#compactThreshold = compactThreshold;
    this.#fs = options.fs ?? nodeFileSystem;
    this.#bufferBytes = options.bufferBytes ?? BUFFER_BYTES;
  }

  /**
   * Opens the log at `path` or makes one (mode 0600; its directory must exist), and reads it through once, so that it
   * never appends after a torn tail: that is cut off. Compaction is due when more than `compactThreshold` bytes were
   * written since the last one; all that an opened file holds counts as written.
   *
   * Throws `locked` while another writer has it, `corrupted` or `invalid-format` for damage (the file stays as it is), `io`
   * (also for a file with hard links, since the lock goes with the name), and `invalid-argument` for a number of bytes that
   * is negative or none.
   */
  static async open(
    path: string,
    compactThreshold: number,
    options: SnapshotWriterOptions = {},
  ): Promise<SnapshotWriter> {
    checkByteCount("compactThreshold", compactThreshold);
    checkByteCount("bufferBytes", options.bufferBytes ?? BUFFER_BYTES);
    const visitor = new Replay(options.replay);
    const log = await openForWriting(options.fs ?? nodeFileSystem, path, visitor);
    return new SnapshotWriter(path, log, compactThreshold, options);
  }

  /** Size of the log in bytes, with what waits in the buffer. */
  get size(): number {
    return this.#end + this.#buffer.length;
  }

  /**
   * Appends one record to the buffer; a purge is written as a delete. Throws `invalid-format`, before a byte is taken, for
   * what a log cannot hold: a key over 65,535 bytes of UTF-8 or with half a surrogate pair, a value over 16 MiB; and
   * `invalid-argument` for what is no update, e.g. one whose value is a string. A full buffer is written out first; where that fails (`io`) the update is not taken, and what was taken before still is.
   */
  writeUpdate(update: KvUpdate): void {
    this.#requireUsable();
    checkUpdate(update);
    const bytes = recordBytesAtMost(update.key, update.kind === "put" ? update.value.length : 0);
    if (this.#buffer.length > 0 && this.#buffer.length + bytes > this.#bufferBytes) this.#spill();
    this.#buffer.appendUpdate(update);
  }

  /**
   * Appends a cursor record and hands everything to the operating system. True when a compaction is due; making it is up
   * to the caller, who may have a better moment. On a throw the cursor was not taken, and the updates still are.
   */
  async checkpoint(cursor: WatchCursor): Promise<boolean> {
    checkCursor(cursor);
    this.#requireNotClosing();
    while (this.#rewriting !== undefined) await this.#rewriting;
    this.#requireSound();
    const before = this.#buffer.length;
    this.#buffer.appendCursor(cursor);
    try {
      this.#writeOut();
    } catch (error) {
      this.#buffer.truncate(before);
      throw error;
    }
    this.#acknowledged = this.#end;
    const isDue = this.#end - this.#compacted > this.#compactThreshold;
    await this.#checkPlaceNowAndThen();
    return isDue;
  }

  /** As {@link SnapshotWriter.checkpoint}, without a cursor. */
  async flush(): Promise<void> {
    this.#requireNotClosing();
    while (this.#rewriting !== undefined) await this.#rewriting;
    this.#requireSound();
    this.#writeOut();
    this.#acknowledged = this.#end;
    await this.#checkPlaceNowAndThen();
  }

  /**
   * Takes back every update that no `checkpoint` or `flush` has acknowledged, from the buffer and from the file. A `compact`
   * acknowledges what came before it as it starts, and that stands where it fails later. Where the file cannot be cut back
   * the writer is poisoned, and this throws `io`.
   */
  discard(): void {
    this.#requireUsable();
    this.#buffer.truncate(0, this.#bufferBytes);
    if (this.#end === this.#acknowledged) return;
    this.#cutBackTo(this.#acknowledged);
    this.#end = this.#acknowledged;
  }

  /**
   * Flushes, reads the log again, and puts in its place one with the live entries sorted by key and the last cursor: through
   * a temporary file in the same directory, synced, renamed, the directory synced. A symbolic link stays one, and the mode
   * stays. Needs memory for the live entries. On a throw the log is what it was, except where the last step, syncing the
   * directory, failed: then the new log is in place, and only a power loss could bring the old one back.
   *
   * Throws `corrupted` where the file was damaged since it was opened; a caller that has the entries can
   * {@link SnapshotWriter.rewrite} it.
   */
  async compact(): Promise<void> {
    const flush = (): void => {
      this.#requireSound();
      this.#writeOut();
      this.#acknowledged = this.#end;
    };
    await this.#exclusively(flush, async () => {
      const fold = new LogFold();
      const scan = await io(this.path, "read", () => scanLog(this.#handle, this.path, fold));
      if (scan.goodBytes !== this.#end) {
        // All up to here was written whole: what looks like a torn tail is damage.
        throw new CorruptedError(this.path, scan.goodBytes, "what was written there is gone");
      }
      await this.#replace({ entries: await fold.sortedEntries(), cursor: fold.lastCursor });
    });
  }

  /**
   * As {@link SnapshotWriter.compact}, from what the caller holds in memory, so that damage on disk is healed. `entries` and
   * `cursor` must include all that was written before the call, ascending by key; they are read while the promise is
   * pending, and must not change. What waits in the buffer stays there: written later, it changes nothing that `entries`
   * has already. A poisoned writer is sound again afterwards, without what it could not write.
   *
   * Throws `invalid-format` or `invalid-argument`, and leaves the log as it is, for an entry that
   * {@link SnapshotWriter.writeUpdate} would refuse.
   */
  async rewrite(entries: Iterable<KvEntry>, cursor: WatchCursor): Promise<void> {
    checkCursor(cursor);
    const dropUnwritable = (): void => {
      if (this.isPoisoned) this.#buffer.truncate(0, this.#bufferBytes);
    };
    await this.#exclusively(dropUnwritable, () => this.#replace({ entries, cursor }));
  }

  /** Whether every call but {@link SnapshotWriter.rewrite} and `close` throws `poisoned`. */
  get isPoisoned(): boolean {
    return this.#poisoning !== undefined;
  }

  /** Flushes, and gives up the file and the lock, also where the flush throws. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #closeOnce(): Promise<void> {
    while (this.#rewriting !== undefined) await this.#rewriting;
    try {
      if (!this.isPoisoned) this.#writeOut();
    } finally {
      await this.#handle.close().catch(() => undefined);
      await this.#lock.release();
    }
  }

  async #exclusively(prepare: () => void, rewrite: () => Promise<void>): Promise<void> {
    this.#requireNotClosing();
    while (this.#rewriting !== undefined) await this.#rewriting;
    prepare();
    const running = rewrite();
    const settled = running.then(
      () => undefined,
      () => undefined,
    );
    this.#rewriting = settled;
    try {
      await running;
    } finally {
      this.#rewriting = undefined;
    }
  }

  async #replace(content: CompactContent): Promise<void> {
    const { handle, size } = await this.#writeCompact(content);
    const old = this.#handle;
    this.#handle = handle;
    this.#end = size;
    this.#acknowledged = size;
    this.#compacted = size;
    this.#poisoning = undefined;
    await old.close().catch(() => undefined);
    await io(this.path, "sync the directory of", () =>
      this.#fs.syncDirectory(dirname(this.#target)),
    );
  }

  async #writeCompact(content: CompactContent): Promise<CompactFile> {
    try {
      const { fileId } = await io(this.path, "rewrite", () => this.#handle.stat());
      return await replaceWithCompact(this.#fs, this.#target, fileId, content);
    } catch (error) {
      if (error instanceof MovedAwayError) this.#poisoning = byMove(error);
      throw error;
    }
  }

  /** Without it a writer whose file was moved would go on acknowledging into it up to the next compaction. */
  async #checkPlaceNowAndThen(): Promise<void> {
    this.#untilPlaceCheck -= 1;
    if (this.#untilPlaceCheck > 0) return;
    this.#untilPlaceCheck = PLACE_CHECK_EVERY;
    const handle = this.#handle;
    const moved = await isMovedAway(this.#fs, this.#target, handle);
    // A compaction that was made meanwhile puts another file there, and so may the next writer.
    const isOurs = this.#handle === handle && this.#rewriting === undefined;
    if (!moved || !isOurs || this.#closing !== undefined) return;
    const error = new MovedAwayError(this.path);
    this.#poisoning = byMove(error);
    throw error;
  }

  #spill(): void {
    if (this.#rewriting !== undefined) throw busy(this.path);
    this.#writeOut();
  }

  /** All or nothing: after a throw the file ends where it did, and the buffer is as it was. */
  #writeOut(): void {
    if (this.#buffer.length === 0) return;
    try {
      this.#handle.writeSync(this.#buffer.view(), this.#end);
    } catch (cause) {
      this.#cutBackTo(this.#end, cause);
      throw ioError(this.path, "write to", cause);
    }
    this.#end += this.#buffer.length;
    this.#buffer.truncate(0, this.#bufferBytes);
  }

  #cutBackTo(length: number, earlier?: unknown): void {
    try {
      this.#handle.truncateSync(length);
    } catch (cause) {
      this.#poisoning = byFailedWrite(earlier ?? cause);
      throw ioError(this.path, "take back a failed write to", cause);
    }
  }

  #requireUsable(): void {
    this.#requireNotClosing();
    this.#requireSound();
  }

  /** For a call that may have to wait, before it does: `close` waits for those that came before it. */
  #requireNotClosing(): void {
    if (this.#closing !== undefined) throw new MillpondError("closed", `${this.path} is closed`);
  }

  #requireSound(): void {
    if (this.#poisoning !== undefined) throw poisonedError(this.path, this.#poisoning);
  }
}

function busy(path: string): MillpondError {
  return new MillpondError(
    "operation-failed",
    `${path} is being compacted, and the buffer for new updates is full`,
    { hint: "Await the compaction, then write the update again." },
  );
}
