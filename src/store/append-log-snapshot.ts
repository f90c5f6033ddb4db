import { dirname } from "node:path";
import { MillpondError } from "../errors/index.js";
import type { Arena } from "../kernel/index.js";
import {
  type BatchEncoder,
  checkByteCount,
  checkCursor,
  checkUpdate,
  type CompactContent,
  type Durability,
  type HealingOptions,
  io,
  LogAppender,
  type LogFormat,
  type RecordSlice,
  v3Codec,
} from "../log/index.js";
import {
  type Clock,
  type FileSystem,
  nextTurn,
  nodeFileSystem,
  type Random,
  systemClock,
  systemRandom,
} from "../platform/index.js";
import { isCompactionDue } from "../rules/compaction-due.js";
import type {
  KvEntry,
  KvUpdate,
  LogPosition,
  PositionDetails,
  WatchCursor,
} from "../values/index.js";
import { ArenaLoader, newArena } from "./arena-loader.js";
import { KeyOrder } from "./key-order.js";
import { liveBytesOf } from "./live-bytes.js";
import type { SnapshotStore } from "./snapshot-store.js";

/** What {@link AppendLogSnapshot.open} is given. */
export interface AppendLogSnapshotOptions extends HealingOptions {
  /** The least number of dead bytes that is worth a compaction. Default 10 MiB. */
  readonly compactThreshold?: number;
  /**
   * Of the file that is written. A log of the other one is read, and rewritten in this one beside the first batches. Format 2
   * is what the Rust crate `beyond-slipstream` reads; it holds no origin, no times, and a batch of it is not atomic. Default 3.
   */
  readonly format?: LogFormat;
  /** What a batch survives once `apply` has resolved: see {@link Durability}. Default `process`. */
  readonly durability?: Durability;
  /**
   * The most memory, in bytes, that the entries in memory may take, what it takes to find them included. Default and most:
   * 4 GiB less 64 KiB.
   */
  readonly maxMemoryBytes?: number;
  /** Default: the machine's own. */
  readonly fs?: FileSystem;
  /** Where the salts of files and the seed of the index come from. Default: the machine's own. */
  readonly random?: Random;
  /** Dates the name of a damaged file that is set aside, and tells when there is time to put keys in order. Default: the machine's own. */
  readonly clock?: Clock;
}

const COMPACT_THRESHOLD = 10 * 1024 * 1024;
/** Memory of the encoder that is kept from one batch to the next. */
const KEPT_BYTES = 1024 * 1024;
/** What may be written beside one compaction, in thresholds or live sizes; then batches wait for its end. */
const BEHIND_THRESHOLDS = 8;
/** Written between two turns of the event loop at most, one batch apart: about a millisecond. */
const TURN_BYTES = 256 * 1024;
/** A slice of a dump: about a frame's worth. */
const DUMP_BYTES = 256 * 1024;

/**
 * The default store: a snapshot log on disk and all its live entries in memory. Each batch goes to the log first and is seen
 * once the log has it. The log is rewritten compact from memory, beside the batches that come meanwhile.
 */
export class AppendLogSnapshot implements SnapshotStore {
  readonly #log: LogAppender;
  readonly #entries: Arena;
  readonly #order: KeyOrder;
  readonly #compactThreshold: number;
  #encoder: BatchEncoder;
  /** What the memory is handed: the log's own encoder where its format is the memory's. */
  #staging: BatchEncoder;
  #position: LogPosition;
  /** The origin that the file says last, unless the next position has to say it again. */
  #originInFile: string | undefined;
  /** Settles when the calls made so far have. */
  #last: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;
  #compaction: Promise<void> | undefined;
  #compactionError: MillpondError | undefined;
  #endAtFailure = 0;
  /** Where the log ended when the compaction under way began. */
  #compactedFrom = 0;
  /** What was written since the event loop last had its turn. */
  #sinceTurnBytes = 0;

  private constructor(
    log: LogAppender,
    entries: Arena,
    position: LogPosition,
    options: AppendLogSnapshotOptions,
  ) {
    this.#log = log;
    this.#entries = entries;
    this.#order = new KeyOrder(entries, options.clock ?? systemClock);
    this.#position = position;
    this.#originInFile = knownOrigin(position);
    this.#compactThreshold = options.compactThreshold ?? COMPACT_THRESHOLD;
    this.#encoder = log.encoder();
    this.#staging = this.#encoder.format === 3 ? this.#encoder : v3Codec.encoder();
  }

  /**
   * Opens the log at `path`, or makes it and its directory, and reads it into memory, giving way to other work. Throws
   * `locked` while another writer has it, `invalid-format` for what is no log or a newer version's, `too-large` where its live
   * entries do not fit into memory, `io`, and `invalid-argument`. A log that is damaged is healed; with
   * `onCorruption: "throw"` that is `corrupted` or `invalid-format`, and the file stays as it is.
   */
  static async open(
    path: string,
    options: AppendLogSnapshotOptions = {},
  ): Promise<AppendLogSnapshot> {
    const { compactThreshold = COMPACT_THRESHOLD, fs = nodeFileSystem } = options;
    const { random = systemRandom, format = 3, maxMemoryBytes } = options;
    checkByteCount("compactThreshold", compactThreshold);
    await io(path, "make the directory of", () => fs.makeDirectory(dirname(path)));
    const entries = newArena(random, maxMemoryBytes);
    const loader = new ArenaLoader(entries);
    const log = await LogAppender.open(path, loader, { ...options, fs, random, format });
    await loader.settle();
    return new AppendLogSnapshot(log, entries, loader.reached, options);
  }

  get compactionError(): MillpondError | undefined {
    return this.#compactionError;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Memory that the entries and what finds them take, in bytes. */
  get memoryBytes(): number {
    return this.#entries.memoryBytes;
  }

  cursor(): WatchCursor {
    return this.#position.cursor;
  }

  get holdsOrigin(): boolean {
    return this.#log.format === 3 && !this.#log.needsConversion;
  }

  origin(): string | undefined {
    return this.#position.origin;
  }

  cursorTimeNs(): bigint {
    return this.#position.cursorTimeNs;
  }

  get(key: string): KvEntry | undefined {
    return this.#entries.get(key);
  }

  range(prefix: string): Iterable<KvEntry> {
    return this.#entries.range(prefix);
  }

  forEachInRange(prefix: string, visit: (entry: KvEntry) => void): void {
    for (const entry of this.range(prefix)) visit(entry);
  }

  /**
   * Batches are taken one after the other, in the order of the calls. Throws `invalid-format` for an update that no log can
   * hold, `invalid-argument` for what is no update, `too-large` where the memory is full, `io` where the disk fails, `closed`.
   * The calls that wait are the caller's to bound: a watch makes one at a time.
   *
   * A batch of more than 60 MiB goes to the log in parts: where one fails, those before it stay, ahead of their cursor.
   */
  async apply(
    batch: readonly KvUpdate[],
    cursor: WatchCursor,
    details: PositionDetails = {},
  ): Promise<void> {
    this.#requireOpen();
    await this.#inTurn(() => this.#take(batch, { cursor, ...details }));
  }

  /**
   * Rewrites the log compact now, whether or not that is due, beside what is applied meanwhile. A compaction that is under
   * way is waited for instead. Throws `io`, `closed`.
   */
  async compact(): Promise<void> {
    this.#requireOpen();
    let compacted: Promise<void> | undefined;
    await this.#inTurn(async () => {
      compacted = this.#compaction ?? this.#startCompaction();
    });
    await compacted;
    if (this.#compactionError !== undefined) throw this.#compactionError;
  }

  /** Waits for the batches given before, and for a compaction that is due or under way: it may take seconds for a large log. */
  close(): Promise<void> {
    this.#closed ??= this.#inTurn(() => this.#closeOnce());
    return this.#closed;
  }

  /** Makes all that was applied survive a power loss, whatever the durability. Throws `io`, `closed` and `poisoned`. */
  async sync(): Promise<void> {
    this.#requireOpen();
    await this.#inTurn(() => this.#log.sync());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return await mine;
  }

  /** Else a log whose store is opened, given little and closed again and again would never be compacted. */
  async #closeOnce(): Promise<void> {
    this.#compactIfDue();
    await this.#compaction;
    this.#order.close();
    await this.#log.close();
  }

  async #take(
    batch: readonly KvUpdate[],
    { cursor, cursorTimeNs = 0n, origin }: PositionDetails & Pick<LogPosition, "cursor">,
  ): Promise<void> {
    checkCursor(cursor);
    for (const update of batch) checkUpdate(update);
    // An earlier batch left a torn end that could not be cut off. Memory has all that was taken, so a new file heals it.
    if (this.#log.isPoisoned) await this.#heal();
    this.#useFormat();
    const position = { cursor, cursorTimeNs, origin: origin ?? this.#position.origin };
    try {
      for (const update of batch) {
        if (!this.#fits(update)) await this.#write(undefined);
        this.#encoder.add(update);
        if (this.#staging !== this.#encoder) this.#staging.add(update);
      }
      await this.#write(position);
    } finally {
      this.#encoder.clear(KEPT_BYTES);
      this.#staging.clear(KEPT_BYTES);
    }
    this.#position = position;
    this.#order.came(batch.length);
    this.#compactIfDue();
    await this.#giveWay();
  }

  /**
   * Batches without a pause between them would hold off everything else. And a compaction that a slow disk keeps far behind is
   * waited for: the log would grow until the disk is full.
   */
  async #giveWay(): Promise<void> {
    const mostBehind = BEHIND_THRESHOLDS * Math.max(this.#compactThreshold, this.#liveBytes);
    if (this.#compaction !== undefined && this.#log.end - this.#compactedFrom > mostBehind) {
      await this.#compaction;
    }
    if (this.#sinceTurnBytes < TURN_BYTES) return;
    this.#sinceTurnBytes = 0;
    await nextTurn();
  }

  get #liveBytes(): number {
    return liveBytesOf(this.#entries, this.#log.format);
  }

  /** What was encoded, to the log, and then into sight. On a throw neither has it. */
  async #write(position: LogPosition | undefined): Promise<void> {
    const encoder = this.#encoder;
    const staging = this.#staging;
    const origin = position?.origin === this.#originInFile ? undefined : position?.origin;
    const written = position && { ...position, origin };
    encoder.end(written);
    if (staging !== encoder) staging.end(written);
    this.#entries.stage(staging.body() as Uint8Array);
    try {
      this.#log.append(encoder);
      await this.#log.acknowledge();
    } catch (error) {
      this.#entries.abort();
      this.#takeBack();
      throw error;
    }
    this.#entries.commit();
    this.#sinceTurnBytes += encoder.length;
    if (position !== undefined && encoder.format === 3) this.#originInFile = knownOrigin(position);
    encoder.clear(KEPT_BYTES);
    staging.clear(KEPT_BYTES);
  }

  /** What stopped the batch is what the caller is told; a log that this poisons is healed at the next call. */
  #takeBack(): void {
    try {
      this.#log.discard();
    } catch {
      return;
    }
  }

  #fits(update: KvUpdate): boolean {
    return this.#staging.length + v3Codec.updateBytesMax(update) <= v3Codec.batchBytesMax;
  }

  /** A compaction may have converted the log. */
  #useFormat(): void {
    if (this.#encoder.format === this.#log.format) return;
    this.#encoder = this.#log.encoder();
    this.#staging = this.#encoder.format === 3 ? this.#encoder : v3Codec.encoder();
  }

  #compactIfDue(): void {
    if (this.#compaction !== undefined || this.#log.isPoisoned) return;
    const { end, needsConversion } = this.#log;
    const failed = this.#compactionError !== undefined;
    const due = isCompactionDue({
      needsConversion,
      logBytes: end,
      liveBytes: this.#liveBytes,
      thresholdBytes: this.#compactThreshold,
      sinceFailureBytes: failed ? end - this.#endAtFailure : undefined,
    });
    if (due) void this.#startCompaction();
  }

  /** Never rejects: why it failed is kept. Begins in a turn, when memory has just what the log has acknowledged. */
  #startCompaction(): Promise<void> {
    this.#compactedFrom = this.#log.end;
    this.#compaction = this.#compactOnce().finally(() => {
      this.#compaction = undefined;
    });
    return this.#compaction;
  }

  async #compactOnce(): Promise<void> {
    try {
      await this.#log.rewrite(this.#content());
      this.#compactionError = undefined;
    } catch (error) {
      this.#compactionError = asMillpondError(error);
      this.#endAtFailure = this.#log.end;
    }
  }

  async #heal(): Promise<void> {
    await this.#compaction;
    if (!this.#log.isPoisoned) return;
    const content = this.#content();
    await this.#log.rewrite(content);
    this.#originInFile = this.#log.format === 3 ? knownOrigin(content.position) : undefined;
    this.#compactionError = undefined;
  }

  /** From memory, not from the file: so a byte that went bad on disk is healed instead of stopping every compaction. */
  #content(): CompactContent {
    return {
      live: slicesOf(this.#entries, this.#order),
      // While a log is converted, what it belongs to may still be noted elsewhere; the next batch brings it.
      position: this.#log.needsConversion
        ? { ...this.#position, origin: undefined }
        : this.#position,
    };
  }

  #requireOpen(): void {
    if (this.#closed === undefined) return;
    throw new MillpondError("closed", `${this.#log.path} is closed`);
  }
}

/** What need not be said again with the next position. After a withdrawal all is, so that it shows if that is damaged. */
function knownOrigin({ cursor, origin }: LogPosition): string | undefined {
  return cursor.isNone ? undefined : origin;
}

async function* slicesOf(entries: Arena, order: KeyOrder): AsyncGenerator<RecordSlice> {
  await order.finish();
  const dump = entries.dump();
  for (;;) {
    const slice = dump.next(DUMP_BYTES);
    if (slice === undefined) return;
    yield slice;
  }
}

function asMillpondError(error: unknown): MillpondError {
  if (error instanceof MillpondError) return error;
  return new MillpondError("operation-failed", "a compaction failed", { cause: error });
}
