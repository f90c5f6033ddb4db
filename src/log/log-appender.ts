import { dirname } from "node:path";
import { MillpondError, type IoError } from "../errors/index.js";
import {
  nextTurn,
  nodeFileSystem,
  systemRandom,
  type Clock,
  type FileLock,
  type FileSystem,
  type Random,
} from "../platform/index.js";
import { SALT_BYTES, type BatchEncoder, type LogFormat } from "./codec.js";
import { codecOf } from "./codecs.js";
import {
  Compaction,
  dumpOfPrefix,
  tailCarrier,
  writeDump,
  type CodedPlace,
  type CompactContent,
  type CompactLog,
  type Dump,
} from "./compact/index.js";
import { GroupSync } from "./group-sync.js";
import { isInPlace, MovedAwayError } from "./in-place.js";
import { ioError, syncFailed } from "./io-errors.js";
import { LastPosition } from "./last-position.js";
import { LogFile } from "./log-file.js";
import { NameSync } from "./name-sync.js";
import { openForWriting, type WritableLog } from "./open-log.js";
import { byFailedSync, byFailedWrite, byMove, poisonedError, type Poisoning } from "./poisoning.js";
import { checkHealing, type HealingOptions } from "./repair/index.js";
import { RewriteTurns } from "./rewrite-turns.js";
import { newSalt } from "./salt.js";
import type { LogVisitor } from "./visitor.js";

/**
 * What an acknowledged batch survives. `process`: the end of the process, however it ends. `power`: also a power loss; each
 * acknowledgement waits for an `fsync`, which one disk write may serve for many.
 */
export type Durability = "process" | "power";

/** How a log is opened for writing. */
export interface LogAppenderOptions extends HealingOptions {
  /** Default: the machine's own. */
  readonly fs?: FileSystem;
  /** Where the salt of a new file comes from. Default: the machine's own. */
  readonly random?: Random;
  /** Default: the file's own, and 3 for a new file. A file of another one is converted by its next compaction. */
  readonly format?: LogFormat;
  /** Default `process`. */
  readonly durability?: Durability;
  /** Dates the name of a damaged file that is set aside. Default: the machine's own. */
  readonly clock?: Clock;
}

/** After so many acknowledgements it looks whether the file is still at its path. */
const PLACE_CHECK_EVERY = 64;

/** How a compact file is made. */
interface Rewriting {
  readonly dump: Dump;
  /** Of the old file the dump has all up to here; the rest is carried over. */
  readonly start: number;
  /** Whether the dump ends with a position where the old file had none. */
  readonly hasPosition: boolean;
}

/**
 * Appends batches to a log, each whole or not at all, and rewrites it beside that. What it knows of the log is the file, where
 * it ends, and what of it is acknowledged.
 *
 * A write that fails half-way is taken back from the file. Where even that fails, or a sync does, or the file is not at
 * its path any more, the appender is poisoned: every later call but {@link LogAppender.rewrite} and `close` throws `poisoned`.
 */
export class LogAppender {
  /** As the caller gave it. */
  readonly path: string;
  readonly #fs: FileSystem;
  readonly #random: Random;
  readonly #target: string;
  readonly #lock: FileLock;
  readonly #durability: Durability;
  readonly #wanted: LogFormat;
  readonly #syncs = new GroupSync(() => this.#syncAll());
  #file: LogFile;
  readonly #lastPosition: LastPosition;
  #compactBytes: number;
  #poisoning: Poisoning | undefined;
  /** What may have taken the file's place, where nobody could tell. */
  #heirs: readonly string[] = [];
  #untilPlaceCheck = PLACE_CHECK_EVERY;
  #compaction: Compaction | undefined;
  readonly #rewrites = new RewriteTurns();
  readonly #name = new NameSync(() => this.#syncDirectory());
  #closing: Promise<void> | undefined;

  private constructor(path: string, log: WritableLog, options: LogAppenderOptions) {
    this.path = path;
    this.#target = log.target;
    this.#lock = log.lock;
    this.#file = new LogFile(path, { ...log, inheritedFrom: log.syncedBytes ?? 0 });
    this.#lastPosition = new LastPosition(log.positionEnd);
    this.#compactBytes = log.compactBytes;
    this.#fs = options.fs ?? nodeFileSystem;
    this.#random = options.random ?? systemRandom;
    this.#durability = options.durability ?? "process";
    this.#wanted = options.format ?? log.codec.format;
  }

  /**
   * Opens the log at `path` or makes one (mode 0600; its directory must exist), hands what it holds to `visitor`, and cuts a
   * torn tail off. A damaged log is healed: {@link HealingOptions}. Throws `locked`, `invalid-format`, `io`, and `corrupted`
   * where damage is to throw.
   */
  static async open(
    path: string,
    visitor: LogVisitor,
    options: LogAppenderOptions = {},
  ): Promise<LogAppender> {
    const { fs = nodeFileSystem, random = systemRandom, format } = options;
    checkHealing(options);
    const log = await openForWriting(fs, path, visitor, { ...options, format, random });
    const appender = new LogAppender(path, log, options);
    try {
      // What is there may come from a process that did not sync it.
      if (appender.#durability === "power") await appender.#syncs.wait();
      return appender;
    } catch (error) {
      await appender.close();
      throw error;
    }
  }

  /** Of the file as it is now. */
  get format(): LogFormat {
    return this.#file.codec.format;
  }

  /** Whether the file is of another format than was asked for: its next compaction converts it. */
  get needsConversion(): boolean {
    return this.format !== this.#wanted;
  }

  /** Size of the file in bytes. */
  get end(): number {
    return this.#file.end;
  }

  /** Where the dump of live entries ends that the file begins with; the header where none is known. */
  get compactBytes(): number {
    return this.#compactBytes;
  }

  get isPoisoned(): boolean {
    return this.#poisoning !== undefined;
  }

  get isCompacting(): boolean {
    return this.#rewrites.isRunning;
  }

  /** For batches of the file's format. */
  encoder(): BatchEncoder {
    return this.#file.codec.encoder();
  }

  /**
   * Writes an ended batch, by one write. Throws `io` where that fails, and the file is as it was. The batch counts once it
   * is acknowledged.
   */
  append(batch: BatchEncoder): void {
    this.requireUsable();
    const file = this.#file;
    const frame = frameOf(this.path, batch, file.at(file.end));
    const compaction = this.#compaction;
    // While the rename is under way nobody knows which file has the name. A follower reads the old one to its end and goes over:
    // what the process dies before writing to the new one must not be in the old one.
    compaction?.appending(frame);
    try {
      this.#changing(file, () => file.append(frame));
    } catch (error) {
      compaction?.takenBack();
      throw error;
    }
    if (batch.hasPosition) this.#lastPosition.appended(file.end);
  }

  /**
   * Everything appended so far counts from the call on, and {@link LogAppender.discard} does not take it back. Resolves once
   * it is as durable as was asked for. Throws `io` where that fails or the file is found moved.
   */
  async acknowledge(): Promise<void> {
    this.requireUsable();
    this.#file.acknowledge();
    this.#lastPosition.acknowledge();
    this.#compaction?.acknowledged();
    if (this.#durability === "power") await this.#syncs.wait();
    await this.#checkPlaceNowAndThen();
  }

  /** Makes all that was appended so far survive a power loss. Throws `io`, and the appender is poisoned, where that fails. */
  async sync(): Promise<void> {
    this.requireUsable();
    await this.#syncs.wait();
  }

  /** Takes back what was appended since the last acknowledgement. Throws `io` where that fails: the appender is poisoned. */
  discard(): void {
    this.requireUsable();
    const file = this.#file;
    if (file.end === file.acknowledged) return;
    this.#changing(file, () => file.discard());
    this.#lastPosition.discard();
    this.#compaction?.discarded();
  }

  /**
   * Puts a compact log in the place of the file, made of `content` and of what is appended from this call on, while appending
   * goes on. `content` is read while the promise is pending. It must have all that was acknowledged before the call, and may
   * have any of what was appended since, which follows it in the file. Heals a poisoned appender, which takes nothing meanwhile.
   *
   * One at a time: a call made while another is under way waits for it. On a throw the log is what it was, except where the
   * last step, syncing the directory, failed.
   */
  async rewrite(content: CompactContent): Promise<void> {
    const { cursor, origin } = content.position;
    const hasPosition = !cursor.isNone || origin !== undefined;
    await this.#compactBy(this.#file.acknowledged, (start) => ({
      dump: (target) => writeDump(target, content),
      start,
      hasPosition,
    }));
  }

  /**
   * As {@link LogAppender.rewrite}, from what the file itself holds up to its last position, read again off the main thread; what
   * follows that is no part of what it stands for, and stays as it is. A log without a position is compacted whole. Throws `corrupted`
   * for damage since it was opened.
   */
  async compact(): Promise<void> {
    // As of the call: whoever waits already counts on finding again what came since its own.
    await this.#compactBy(this.#lastPosition.end ?? this.#file.acknowledged, (start) => {
      this.#requireSound();
      const files = { fs: this.#fs, path: this.path, target: this.#target, source: this.#file };
      const dump = dumpOfPrefix({ ...files, random: this.#random, end: start });
      return { dump, start, hasPosition: false };
    });
  }

  /** Gives up the compaction under way, if any, the file and the lock. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#closeOnce();
    return this.#closing;
  }

  /** Throws `closed` or `poisoned`. */
  requireUsable(): void {
    this.#requireNotClosing();
    this.#requireSound();
  }

  /** @param begin is called once no other is under way, with the offset where `end` is by now. */
  async #compactBy(end: number, begin: (start: number) => Rewriting): Promise<void> {
    this.#requireNotClosing();
    await this.#rewrites.take(end, async (start) => {
      this.#requireNotClosing();
      await this.#replace(begin(start));
    });
  }

  async #replace({ dump, start, hasPosition }: Rewriting): Promise<void> {
    const isHealing = this.isPoisoned;
    const from = this.#file;
    const codec = codecOf(this.#wanted);
    this.#compaction = new Compaction({
      fs: this.#fs,
      path: this.path,
      target: this.#target,
      from,
      heirs: this.#heirs,
      tailStart: isHealing ? undefined : start,
      codec,
      salt: newSalt(this.#random),
      dump,
    });
    // Nothing more is to be acknowledged into a file that has lost its name.
    const poisonIfMoved = (error: unknown): void => {
      if (!(error instanceof MovedAwayError)) return;
      if (error.heirs.length > 0) this.#heirs = error.heirs;
      this.#poison(byMove(error));
    };
    try {
      await this.#compaction.run(
        (made) => this.#switchTo(made, isHealing, hasPosition),
        poisonIfMoved,
      );
    } catch (error) {
      this.#compaction = undefined;
      poisonIfMoved(error);
      throw ioError(this.path, "rewrite", error);
    }
    // A sync that began before still uses it.
    await this.#syncs.settled();
    await from.handle.close().catch(() => undefined);
    await this.#name.settled();
  }

  /** Without giving way: whatever is appended next goes to the new file only. */
  #switchTo(
    { file, dumpEnd, placeOf }: CompactLog,
    isHealing: boolean,
    hasPosition: boolean,
  ): void {
    // After healing nothing but the dump is there. Behind a first position nothing is folded into it.
    const isOnlyDump = isHealing || (hasPosition && this.#lastPosition.end === undefined);
    const move = isOnlyDump ? () => dumpEnd : placeOf;
    this.#rewrites.moved(move);
    this.#lastPosition.move(move, hasPosition ? dumpEnd : undefined);
    file.vouch();
    this.#file = file;
    this.#heirs = [];
    this.#compactBytes = dumpEnd;
    this.#compaction = undefined;
    if (isHealing) this.#poisoning = undefined;
    if (file.tear !== undefined) this.#poison(byFailedWrite(file.tear.cause));
    this.#name.begin();
  }

  async #closeOnce(): Promise<void> {
    this.#compaction?.giveUp(closedError(this.path));
    await this.#rewrites.settled();
    await this.#syncs.settled();
    await this.#file.handle.close().catch(() => undefined);
    await this.#lock.release();
  }

  /** Both files while a compaction writes to both: until its rename is known to last, either may be what is left. */
  async #syncAll(): Promise<void> {
    this.#requireSound();
    const file = this.#file;
    const compaction = this.#compaction;
    const twin = compaction?.twin;
    const [own, other] = await Promise.allSettled([this.#syncOwn(file), twin?.handle.sync()]);
    if (other.status === "rejected") {
      const error = syncFailed(this.path, other.reason);
      compaction?.giveUp(error);
      if (compaction?.isCommitted === true) throw this.#poisonBySync(error);
    }
    // Of a file that has been replaced meanwhile all is in the new one, which was synced before.
    if (own.status === "rejected" && this.#file === file) {
      throw this.#poisonBySync(syncFailed(this.path, own.reason));
    }
    try {
      await this.#name.ensure();
    } catch (cause) {
      throw this.isPoisoned ? cause : this.#poisonBySync(syncFailed(this.path, cause));
    }
  }

  /** With durability `power` nobody was told of what it does not make safe: where it fails, no later process may take that for safe. */
  async #syncOwn(file: LogFile): Promise<void> {
    try {
      await file.sync();
    } catch (cause) {
      if (this.#durability === "power" && this.#file === file) {
        // It would find gone what it is still to copy.
        this.#compaction?.giveUp(syncFailed(this.path, cause));
        file.takeBackUnsafe();
      }
      throw cause;
    }
  }

  async #syncDirectory(): Promise<void> {
    try {
      await this.#fs.syncDirectory(dirname(this.#target));
    } catch (cause) {
      const error = ioError(this.path, "sync the directory of", cause);
      if (this.#durability === "process") throw error;
      throw this.#poisonBySync(syncFailed(this.path, cause));
    }
  }

  /**
   * Without it an appender whose file was moved would go on acknowledging into it up to the next compaction. Other work has its
   * turn as well, which a caller that does nothing but append would never let have one.
   */
  async #checkPlaceNowAndThen(): Promise<void> {
    this.#untilPlaceCheck -= 1;
    if (this.#untilPlaceCheck > 0) return;
    this.#untilPlaceCheck = PLACE_CHECK_EVERY;
    // A compaction that has just been renamed over it puts another file there.
    const isOurs = this.#compaction?.isCommitted !== true;
    if (isOurs && isInPlace(this.#fs, this.#target, this.#file.handle) === false) {
      const error = new MovedAwayError(this.path);
      this.#poison(byMove(error));
      throw error;
    }
    await nextTurn();
  }

  /** Runs a change of the file, and is poisoned where that leaves it torn. */
  #changing(file: LogFile, change: () => void): void {
    try {
      change();
    } catch (error) {
      if (file.tear !== undefined) this.#poison(byFailedWrite(file.tear.cause));
      throw error;
    }
  }

  #poison(poisoning: Poisoning): void {
    this.#poisoning ??= poisoning;
    this.#compaction?.giveUp(poisonedError(this.path, poisoning));
  }

  #poisonBySync(error: IoError): IoError {
    this.#poison(byFailedSync(error));
    return error;
  }

  /** For a call that may have to wait, before it does: `close` waits for those that came before it. */
  #requireNotClosing(): void {
    if (this.#closing !== undefined) throw closedError(this.path);
  }

  #requireSound(): void {
    if (this.#poisoning !== undefined) throw poisonedError(this.path, this.#poisoning);
  }
}

/** The batch as a frame for this place, also where a compaction has converted the file since the batch was begun. */
function frameOf(path: string, batch: BatchEncoder, place: CodedPlace): Uint8Array {
  if (batch.format === place.codec.format) return batch.stamp(place);
  const from = { offset: 0, salt: new Uint8Array(SALT_BYTES), codec: codecOf(batch.format) };
  const frame = Buffer.from(batch.stamp(from));
  return tailCarrier(path, from, place).take(frame).made;
}

function closedError(path: string): MillpondError {
  return new MillpondError("closed", `${path} is closed`);
}
