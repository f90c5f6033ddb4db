import { dirname } from "node:path";
import { MillpondError } from "../errors/index.js";
import type { Arena } from "../kernel/index.js";
import {
  checkByteCount,
  checkChoice,
  checkCursor,
  checkPath,
  checkUpdate,
  type Durability,
  type HealingOptions,
  io,
  LogAppender,
  type LogFormat,
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
import type {
  KvEntry,
  KvUpdate,
  LogPosition,
  PositionDetails,
  WatchCursor,
} from "../values/index.js";
import { ArenaLoader, newArena } from "./arena-loader.js";
import { KeyOrder } from "./key-order.js";
import type { SnapshotStore } from "./snapshot-store.js";
import { StoreCompactions } from "./store-compactions.js";
import { StoreEncoder } from "./store-encoder.js";

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
/** Written between two turns of the event loop at most, one batch apart: about a millisecond. */
const TURN_BYTES = 256 * 1024;

/**
 * The default store: a snapshot log on disk and all its live entries in memory. Each batch goes to the log first and is seen
 * once the log has it. The log is rewritten compact from memory, beside the batches that come meanwhile.
 */
export class AppendLogSnapshot implements SnapshotStore {
  readonly #log: LogAppender;
  readonly #entries: Arena;
  readonly #order: KeyOrder;
  readonly #compactions: StoreCompactions;
  readonly #encoder: StoreEncoder;
  #position: LogPosition;
  /** The origin that the file says last, unless the next position has to say it again. */
  #originInFile: string | undefined;
  /** Settles when the calls made so far have. */
  #last: Promise<unknown> = Promise.resolve();
  #closed: Promise<void> | undefined;
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
    this.#encoder = new StoreEncoder(log);
    this.#compactions = new StoreCompactions({
      log,
      entries,
      order: this.#order,
      thresholdBytes: options.compactThreshold ?? COMPACT_THRESHOLD,
      position: () => this.#position,
    });
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
    checkPath(path);
    checkByteCount("compactThreshold", compactThreshold);
    checkChoice("format", format, [2, 3]);
    checkChoice("durability", options.durability, ["process", "power"]);
    await io(path, "make the directory of", () => fs.makeDirectory(dirname(path)));
    const entries = newArena(random, maxMemoryBytes);
    const loader = new ArenaLoader(entries);
    const log = await LogAppender.open(path, loader, { ...options, fs, random, format });
    await loader.settle();
    return new AppendLogSnapshot(log, entries, loader.reached, options);
  }

  get compactionError(): MillpondError | undefined {
    return this.#compactions.error;
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
      compacted = this.#compactions.running ?? this.#compactions.start();
    });
    await compacted;
    const { error } = this.#compactions;
    if (error !== undefined) throw error;
  }

  /** Waits for the batches given before, and for a compaction that is due or under way: it may take seconds for a large log. */
  close(): Promise<void> {
    this.#closed ??= this.#inTurn(() => this.#closeOnce());
    return this.#closed;
  }

  /**
   * Makes all that was applied survive a power loss, whatever the durability. Throws `io` and `closed`; called again after an
   * `io`, it rewrites the log from memory, as the next batch would.
   */
  async sync(): Promise<void> {
    this.#requireOpen();
    await this.#inTurn(async () => {
      if (this.#log.isPoisoned) await this.#heal();
      await this.#log.sync();
    });
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
    this.#compactions.startIfDue();
    await this.#compactions.running;
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
    this.#encoder.begin();
    const position = { cursor, cursorTimeNs, origin: origin ?? this.#position.origin };
    try {
      for (const update of batch) {
        if (!this.#encoder.fits(update)) await this.#write(undefined);
        this.#encoder.add(update);
      }
      await this.#write(position);
    } finally {
      this.#encoder.clear();
    }
    this.#position = position;
    this.#order.came(batch.length);
    this.#compactions.startIfDue();
    await this.#giveWay();
  }

  /** Batches without a pause between them would hold off everything else. */
  async #giveWay(): Promise<void> {
    if (this.#compactions.isFarBehind) await this.#compactions.running;
    if (this.#sinceTurnBytes < TURN_BYTES) return;
    this.#sinceTurnBytes = 0;
    await nextTurn();
  }

  /** What was encoded, to the log, and then into sight. On a throw neither has it. */
  async #write(position: LogPosition | undefined): Promise<void> {
    const encoder = this.#encoder;
    const origin = position?.origin === this.#originInFile ? undefined : position?.origin;
    encoder.end(position && { ...position, origin });
    this.#entries.stage(encoder.body);
    try {
      this.#log.append(encoder.batch);
      await this.#log.acknowledge();
    } catch (error) {
      this.#entries.abort();
      this.#takeBack();
      throw error;
    }
    this.#entries.commit();
    const { length, format } = encoder.batch;
    this.#sinceTurnBytes += length;
    if (position !== undefined && format === 3) this.#originInFile = knownOrigin(position);
    encoder.clear();
  }

  /** What stopped the batch is what the caller is told; a log that this poisons is healed at the next call. */
  #takeBack(): void {
    try {
      this.#log.discard();
    } catch {
      return;
    }
  }

  async #heal(): Promise<void> {
    await this.#compactions.running;
    if (!this.#log.isPoisoned) return;
    const position = await this.#compactions.heal();
    this.#originInFile = this.#log.format === 3 ? knownOrigin(position) : undefined;
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
