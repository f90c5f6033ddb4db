import { dirname } from "node:path";
import { MillpondError } from "../errors/index.js";
import {
  checkByteCount,
  cursorRecordBytes,
  HEADER_BYTES,
  io,
  SnapshotWriter,
  type HealingOptions,
} from "../log/index.js";
import { nodeFileSystem, type Clock, type FileSystem } from "../platform/index.js";
import { isCompactionDue } from "../rules/compaction-due.js";
import { WatchCursor, type KvEntry, type KvUpdate } from "../values/index.js";
import { MapCopy } from "./map-copy.js";
import type { MemoryCopy } from "./memory-copy.js";
import type { SnapshotStore } from "./snapshot-store.js";

export interface AppendLogSnapshotOptions extends HealingOptions {
  /** The least number of dead bytes that is worth a compaction. Default 10 MiB. */
  readonly compactThreshold?: number;
  /** Default: the machine's own. */
  readonly fs?: FileSystem;
  /** Dates the name of a damaged file that is set aside. Default: the machine's own. */
  readonly clock?: Clock;
}

const COMPACT_THRESHOLD = 10 * 1024 * 1024;

/**
 * The default store: a snapshot log on disk and all its live entries in memory. Each batch goes to the log first and to
 * memory once the log has it.
 */
export class AppendLogSnapshot implements SnapshotStore {
  readonly #writer: SnapshotWriter;
  readonly #memory: MemoryCopy;
  readonly #compactThreshold: number;
  #cursor: WatchCursor;
  /** Settles when the calls made so far have. */
  #last: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;
  #compactionError: MillpondError | undefined;
  #sizeAtFailure = 0;

  private constructor(
    writer: SnapshotWriter,
    memory: MemoryCopy,
    cursor: WatchCursor,
    compactThreshold: number,
  ) {
    this.#writer = writer;
    this.#memory = memory;
    this.#cursor = cursor;
    this.#compactThreshold = compactThreshold;
  }

  /**
   * Opens the log at `path`, or makes it and its directory, and reads it into memory. Throws `locked` while another
   * writer has it, `invalid-format` for what is no log or a newer version's, `io`, and `invalid-argument`. A log that is
   * damaged is healed; with `onCorruption: "throw"` that is `corrupted` or `invalid-format`, and the file stays as it is.
   */
  static async open(
    path: string,
    options: AppendLogSnapshotOptions = {},
  ): Promise<AppendLogSnapshot> {
    const { compactThreshold = COMPACT_THRESHOLD, fs = nodeFileSystem } = options;
    checkByteCount("compactThreshold", compactThreshold);
    const memory = new MapCopy();
    let cursor = WatchCursor.none;
    await io(path, "make the directory of", () => fs.makeDirectory(dirname(path)));
    const writer = await SnapshotWriter.open(path, compactThreshold, {
      ...options,
      fs,
      replay: {
        update: (update) => memory.apply(update),
        cursor(found) {
          cursor = found;
        },
      },
    });
    await memory.settle();
    return new AppendLogSnapshot(writer, memory, cursor, compactThreshold);
  }

  /** Why the last compaction failed; the batch that called for it was taken all the same. It is tried again later. */
  get compactionError(): MillpondError | undefined {
    return this.#compactionError;
  }

  get size(): number {
    return this.#memory.size;
  }

  cursor(): WatchCursor {
    return this.#cursor;
  }

  get(key: string): KvEntry | undefined {
    return this.#memory.get(key);
  }

  range(prefix: string): Iterable<KvEntry> {
    return this.#memory.range(prefix);
  }

  forEachInRange(prefix: string, visit: (entry: KvEntry) => void): void {
    for (const entry of this.range(prefix)) visit(entry);
  }

  /**
   * Batches are taken one after the other, in the order of the calls. Throws `invalid-format` for an update that no log can
   * hold, `invalid-argument` for what is no update, `io` where the disk fails, `closed`. The calls that wait are the caller's to bound: a watch makes one at a time.
   */
  async apply(batch: readonly KvUpdate[], cursor: WatchCursor): Promise<void> {
    this.#requireOpen();
    await this.#inTurn(async () => {
      await this.#append(batch, cursor);
      for (const update of batch) this.#memory.apply(owned(update));
      this.#cursor = cursor;
      if (this.#memory.needsSettling) await this.#memory.settle();
      await this.#compactIfDue();
    });
  }

  close(): Promise<void> {
    this.#closed ??= this.#inTurn(() => this.#writer.close());
    return this.#closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return await mine;
  }

  async #append(batch: readonly KvUpdate[], cursor: WatchCursor): Promise<void> {
    // An earlier batch left a torn end that could not be cut off. Memory has all that was taken, so a new file heals it.
    if (this.#writer.isPoisoned) await this.#rewrite();
    try {
      for (const update of batch) this.#writer.writeUpdate(update);
      await this.#writer.checkpoint(cursor);
    } catch (error) {
      this.#takeBack();
      throw error;
    }
  }

  /** What stopped the batch is what the caller is told; a writer that this poisons is healed at the next call. */
  #takeBack(): void {
    try {
      this.#writer.discard();
    } catch {
      return;
    }
  }

  /** From memory, not from the file: so a byte that went bad on disk is healed instead of stopping every compaction. */
  async #compactIfDue(): Promise<void> {
    const { size } = this.#writer;
    const failed = this.#compactionError !== undefined;
    const due = isCompactionDue({
      logBytes: size,
      liveBytes: HEADER_BYTES + this.#memory.recordBytes + cursorRecordBytes(this.#cursor.length),
      thresholdBytes: this.#compactThreshold,
      sinceFailureBytes: failed ? size - this.#sizeAtFailure : undefined,
    });
    if (!due) return;
    try {
      await this.#rewrite();
      this.#compactionError = undefined;
    } catch (error) {
      this.#compactionError = asMillpondError(error);
      this.#sizeAtFailure = this.#writer.size;
    }
  }

  async #rewrite(): Promise<void> {
    await this.#memory.settle();
    await this.#writer.rewrite(this.#memory.borrowSettled(), this.#cursor);
  }

  #requireOpen(): void {
    if (this.#closed === undefined) return;
    throw new MillpondError("closed", `${this.#writer.path} is closed`);
  }
}

/** The batch is the caller's, who may use its buffers again. Not by `slice`, which on a Node `Buffer` gives a view. */
function owned(update: KvUpdate): KvUpdate {
  return update.kind === "put" ? { ...update, value: new Uint8Array(update.value) } : update;
}

function asMillpondError(error: unknown): MillpondError {
  if (error instanceof MillpondError) return error;
  return new MillpondError("operation-failed", "a compaction failed", { cause: error });
}
