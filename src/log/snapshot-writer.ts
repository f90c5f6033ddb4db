import { MillpondError } from "../errors/index.js";
import { isCompactionDue } from "../rules/compaction-due.js";
import type {
  KvEntry,
  KvUpdate,
  LogPosition,
  PositionDetails,
  WatchCursor,
} from "../values/index.js";
import { checkByteCount, checkCursor, checkUpdate } from "./check-record.js";
import type { BatchEncoder } from "./codec.js";
import { codecOf } from "./codecs.js";
import { LogAppender, type LogAppenderOptions } from "./log-appender.js";
import { NO_POSITION } from "./fold.js";
import { Replay, type ReplayVisitor } from "./replay.js";

/** What {@link SnapshotWriter.open} is given. */
export interface SnapshotWriterOptions extends LogAppenderOptions {
  /**
   * How many bytes of updates wait in memory for a checkpoint before they are written on their own, ahead of it; a single
   * longer update is let in. Default 8 MiB; more than 62 MiB count as about 63.
   */
  readonly bufferBytes?: number;
  /** Is handed what the log holds already, in order, while {@link SnapshotWriter.open} checks it. */
  readonly replay?: ReplayVisitor;
}

const BUFFER_BYTES = 8 * 1024 * 1024;

/**
 * Appends updates and cursors to a snapshot log. Keeps no state but the handle, the buffer and the counters. One process
 * at a time, and one writer in it, holds a log.
 *
 * What a resolved `checkpoint` or `flush` acknowledged survives the process (`kill -9`); with `durability: "power"` also a power
 * loss, at the price of an `fsync` each. In format 3 a checkpoint and the updates before it are one frame, which a crash leaves
 * whole or not at all, up to `bufferBytes` of updates: what does not fit is written before it, as data ahead of its cursor.
 *
 * A write that fails half-way is taken back from the file, and the records stay in the buffer, so the same call may be made
 * again. Where even that fails, or a sync does, the writer is poisoned: every later call but `rewrite` throws `poisoned`, and
 * the next `open` cuts off the torn end.
 *
 * A file that is moved, removed or replaced under its writer (or whose directory is) is found out by a compaction, which
 * never replaces a file that is not the writer's own, and by one `checkpoint` or `flush` in 64. That call throws `io`, and
 * the writer is poisoned.
 *
 * Nothing waits for a compaction but another one, and `close`, which gives it up.
 */
export class SnapshotWriter implements AsyncDisposable {
  /** As the caller gave it. */
  readonly path: string;
  readonly #appender: LogAppender;
  readonly #compactThreshold: number;
  readonly #bufferBytes: number;
  #batch: BatchEncoder;
  /** What the log says last. */
  #position: LogPosition;
  /** Size of the file when a compaction failed last. */
  #sizeAtFailure: number | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    appender: LogAppender,
    compactThreshold: number,
    bufferBytes: number,
    position: LogPosition,
  ) {
    this.path = appender.path;
    this.#appender = appender;
    this.#compactThreshold = compactThreshold;
    // In format 2 too: a compaction may convert the log before the batch is written, and in format 3 it is one frame.
    this.#bufferBytes = Math.min(bufferBytes, codecOf(3).batchBytesMax);
    this.#batch = appender.encoder();
    this.#position = position;
  }

  /**
   * Opens the log at `path` or makes one (mode 0600; its directory must exist), and reads it through once, so that it
   * never appends after a torn tail: that is cut off. See {@link SnapshotWriter.checkpoint} for `compactThreshold`, in bytes.
   *
   * A log that is damaged is healed, unless `onCorruption` is `throw`: {@link HealingOptions}.
   *
   * Throws `locked` while another writer has it, `invalid-format` for what is no log or a newer version's, `corrupted` too for
   * damage where that is to throw (the file stays as it is), `io`
   * (also for a file with hard links, since the lock goes with the name), and `invalid-argument` for a number of bytes that
   * is negative or none.
   */
  static async open(
    path: string,
    compactThreshold: number,
    options: SnapshotWriterOptions = {},
  ): Promise<SnapshotWriter> {
    const { bufferBytes = BUFFER_BYTES, replay } = options;
    checkByteCount("compactThreshold", compactThreshold);
    checkByteCount("bufferBytes", bufferBytes);
    let position: LogPosition = NO_POSITION;
    const handOn = new Replay(replay);
    const appender = await LogAppender.open(
      path,
      {
        withoutValues: handOn.withoutValues,
        update: (update) => handOn.update(update),
        position(found) {
          position = found;
          handOn.position(found);
        },
      },
      options,
    );
    return new SnapshotWriter(appender, compactThreshold, bufferBytes, position);
  }

  /** Size of the log in bytes, with what waits in the buffer. */
  get size(): number {
    return this.#appender.end + this.#batch.length;
  }

  /** Whether every call but {@link SnapshotWriter.rewrite} and `close` throws `poisoned`. */
  get isPoisoned(): boolean {
    return this.#appender.isPoisoned;
  }

  /**
   * Appends one record to the buffer; in format 2 a purge is written as a delete. Throws `invalid-format`, before a byte is
   * taken, for what a log cannot hold: a key over 65,535 bytes of UTF-8 or with half a surrogate pair, a value over 16 MiB; and
   * `invalid-argument` for what is no update, e.g. one whose value is a string. A full buffer is written out first; where that
   * fails (`io`) the update is not taken, and what was taken before still is.
   */
  writeUpdate(update: KvUpdate): void {
    this.#requireUsable();
    checkUpdate(update);
    const codec = codecOf(this.#batch.format);
    const isFull = this.#batch.length + codec.updateBytesMax(update) > this.#bufferBytes;
    if (isFull && this.#batch.length > 0) this.#writeOut(undefined);
    this.#batch.add(update);
  }

  /**
   * Appends a cursor and hands everything to the operating system. On a throw the cursor was not taken, and the updates
   * still are. `details` that are left out are not known; an origin stands until another is given.
   *
   * True when a compaction is due; making it is up to the caller, who may have a better moment. It is due when what was
   * written since the last one exceeds both `compactThreshold` and what was left by that one, so that a large log is not rewritten
   * again and again. What was left is known after an opening too: the puts, in ascending order of their keys, and the position after
   * them that the file begins with, whoever wrote them. After one that failed, another
   * threshold must have been written. A log of another format than was asked for is due for its conversion.
   */
  async checkpoint(cursor: WatchCursor, details: PositionDetails = {}): Promise<boolean> {
    checkCursor(cursor);
    this.#requireUsable();
    const { cursorTimeNs = 0n, origin } = details;
    const last = this.#position;
    // The first position after a withdrawal says its origin, so that a damaged withdrawal still shows.
    const written = origin ?? (last.cursor.isNone ? last.origin : undefined);
    this.#writeOut({ cursor, cursorTimeNs, origin: written });
    this.#position = { cursor, cursorTimeNs, origin: origin ?? last.origin };
    const isDue = this.#isCompactionDue();
    await this.#appender.acknowledge();
    return isDue;
  }

  /** As {@link SnapshotWriter.checkpoint}, without a cursor. */
  async flush(): Promise<void> {
    this.#requireUsable();
    if (this.#batch.length > 0) this.#writeOut(undefined);
    await this.#appender.acknowledge();
  }

  /**
   * Takes back every update that no `checkpoint`, `flush` or `compact` has acknowledged, from the buffer and from the file.
   * Where the file cannot be cut back the writer is poisoned, and this throws `io`.
   */
  discard(): void {
    this.#requireUsable();
    this.#batch.clear(this.#bufferBytes);
    this.#appender.discard();
  }

  /**
   * Flushes, and makes of what the log holds then one with the live entries sorted by key and the last cursor, while updates
   * and checkpoints go on: what they write meanwhile follows, and so does, as it is, what was written since that cursor. It is written to a temporary file in the same directory, synced,
   * renamed, the directory synced. A symbolic link stays one, and the mode stays. On a throw the log is what it was, except
   * where the last step, syncing the directory, failed: then the new log is in place, and only a power loss could bring the
   * old one back.
   *
   * Throws `corrupted` where the file was damaged since it was opened; a caller that has the entries can
   * {@link SnapshotWriter.rewrite} it. Throws `closed` where `close` is called before it is done.
   */
  async compact(): Promise<void> {
    this.#requireUsable();
    if (this.#batch.length > 0) this.#writeOut(undefined);
    const ends = await Promise.allSettled([
      this.#appender.acknowledge(),
      this.#noteFailure(() => this.#appender.compact()),
    ]);
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  }

  /**
   * As {@link SnapshotWriter.compact}, from what the caller holds in memory, so that damage on disk is healed. `entries`,
   * ascending by key, and `cursor` must include all that was acknowledged before the call. They are walked while the promise is
   * pending, and may by then include what was written to this writer since the call: it follows in the log once more.
   * What waits in the buffer stays there. The position keeps its origin, and its time if the cursor is the last one.
   *
   * A poisoned writer takes nothing meanwhile, and is sound again afterwards, without what it could not write.
   *
   * Throws `invalid-format` or `invalid-argument`, and leaves the log as it is, for an entry that
   * {@link SnapshotWriter.writeUpdate} would refuse.
   */
  async rewrite(entries: Iterable<KvEntry>, cursor: WatchCursor): Promise<void> {
    checkCursor(cursor);
    this.#requireNotClosing();
    if (this.isPoisoned) this.#batch.clear(this.#bufferBytes);
    const { cursorTimeNs, origin, cursor: last } = this.#position;
    const position = { cursor, cursorTimeNs: last.equals(cursor) ? cursorTimeNs : 0n, origin };
    await this.#noteFailure(() => this.#appender.rewrite({ live: entries, position }));
  }

  /** Flushes, and gives up the compaction under way, the file and the lock, also where the flush throws. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #closeOnce(): Promise<void> {
    try {
      if (this.isPoisoned || this.#batch.length === 0) return;
      this.#writeOut(undefined);
      await this.#appender.acknowledge();
    } finally {
      await this.#appender.close();
    }
  }

  async #noteFailure(compact: () => Promise<void>): Promise<void> {
    try {
      await compact();
      this.#sizeAtFailure = undefined;
    } catch (error) {
      this.#sizeAtFailure = this.size;
      throw error;
    }
  }

  #isCompactionDue(): boolean {
    const { end, compactBytes, needsConversion, isCompacting } = this.#appender;
    if (isCompacting) return false;
    const failedAt = this.#sizeAtFailure;
    return isCompactionDue({
      needsConversion,
      logBytes: end,
      liveBytes: compactBytes,
      thresholdBytes: this.#compactThreshold,
      sinceFailureBytes: failedAt === undefined ? undefined : end - failedAt,
    });
  }

  /** All or nothing: after a throw the buffer is as it was. */
  #writeOut(position: LogPosition | undefined): void {
    if (this.#batch.length === 0 && this.#batch.format !== this.#appender.format) {
      // A compaction has converted the log.
      this.#batch = this.#appender.encoder();
    }
    this.#batch.end(position);
    try {
      this.#appender.append(this.#batch);
    } catch (error) {
      this.#batch.reopen();
      throw error;
    }
    this.#batch.clear(this.#bufferBytes);
  }

  #requireUsable(): void {
    this.#requireNotClosing();
    this.#appender.requireUsable();
  }

  #requireNotClosing(): void {
    if (this.#closing !== undefined) {
      throw new MillpondError("closed", `${this.path} is closed`);
    }
  }
}
