import {
  systemClock,
  type Clock,
  type FileHandle,
  type FileLock,
  type FileSystem,
  type Random,
} from "../platform/index.js";
import type { LogCodec, LogFormat } from "./codec.js";
import { codecOf } from "./codecs.js";
import { isNameTooLong, removeLeftovers } from "./compact/index.js";
import { DumpExtent } from "./dump-extent.js";
import { hardLinked, healingFailed, io, ioError, nameTooLong, notAFile } from "./io-errors.js";
import {
  heal,
  isDamage,
  KEEP_CORRUPT,
  undoUnfinished,
  type DamagedLog,
  type HealingOptions,
} from "./repair/index.js";
import { newSalt } from "./salt.js";
import { scanLog } from "./scan-log.js";
import type { LogVisitor } from "./visitor.js";

/** A log that is ours to write. */
export interface WritableLog {
  /** Absolute, with every symbolic link resolved. */
  readonly target: string;
  readonly handle: FileHandle;
  readonly lock: FileLock;
  readonly codec: LogCodec;
  readonly salt: Uint8Array;
  /** Size of the file, which ends with a whole frame. */
  readonly size: number;
  /**
   * Where the dump ends that the file begins with ({@link DumpExtent}), or the header where there is none, or where nobody looked: a
   * visitor that takes batches whole knows itself what it has.
   */
  readonly compactBytes: number;
  /** Up to here it was synced before a rename put it there. What follows may never have been; left out: the same goes for all of it. */
  readonly syncedBytes?: number;
  /** Where the last position ends, or an offset before it where that is all that is known; undefined where there is none. */
  readonly positionEnd: number | undefined;
}

/** For a file that is made, or whose header is torn. */
export interface NewLogOptions {
  /** Default 3; a torn header that tells its format keeps that. */
  readonly format: LogFormat | undefined;
  readonly random: Random;
}

export interface OpenOptions extends NewLogOptions, HealingOptions {
  /** Dates the name of a file that is set aside. Default: the machine's own. */
  readonly clock?: Clock;
}

type Found = Pick<
  WritableLog,
  "handle" | "codec" | "salt" | "size" | "compactBytes" | "syncedBytes" | "positionEnd"
>;

const NEW_FORMAT: LogFormat = 3;

/**
 * Opens the file for reading; `undefined` where nothing is there. Throws `io` for what is not a regular file, which is
 * looked at first because opening a pipe would wait for ever.
 */
export async function openForReading(
  fs: FileSystem,
  path: string,
): Promise<FileHandle | undefined> {
  return await io(path, "open", async () => {
    const stat = await fs.stat(path);
    if (stat === undefined) return undefined;
    if (stat.kind !== "file") throw notAFile(path, stat.kind);
    return await fs.open(path, "read");
  });
}

/**
 * Takes the lock, opens the log or makes it, hands what it holds to `visitor`, and cuts off a torn tail or makes a torn
 * header whole, so that the next append does not land after junk. Damage is healed ({@link heal}), or throws and
 * leaves the file as it is.
 */
export async function openForWriting(
  fs: FileSystem,
  path: string,
  visitor: LogVisitor,
  options: OpenOptions,
): Promise<WritableLog> {
  const target = await io(path, "open", () => fs.realPath(path));
  if (isNameTooLong(target)) throw nameTooLong(path);
  const stat = await io(path, "open", () => fs.stat(target));
  if (stat !== undefined && stat.kind !== "file") throw notAFile(path, stat.kind);
  const lock = await io(path, "lock", () => fs.lock(target));
  let handle: FileHandle | undefined;
  try {
    await removeLeftovers(fs, target);
    handle = await fs.open(target, "create");
    // Through the handle: under the lock, and of the very file that is written.
    if ((await handle.stat()).names > 1) await undoUnfinished(fs, target, handle);
    if ((await handle.stat()).names > 1) throw hardLinked(path);
    const found = await scanOrHeal({ fs, target, path, handle, visitor }, options);
    return { target, lock, ...found };
  } catch (cause) {
    await handle?.close().catch(() => undefined);
    await lock.release();
    throw ioError(path, "open", cause);
  }
}

async function scanOrHeal(log: Omit<DamagedLog, "error">, options: OpenOptions): Promise<Found> {
  const { handle, path, visitor } = log;
  const { onCorruption = "quarantine", keepCorrupt = KEEP_CORRUPT, clock = systemClock } = options;
  try {
    return await scanAndRepair(handle, path, visitor, options);
  } catch (error) {
    if (onCorruption === "throw" || !isDamage(error)) throw error;
    const salt = newSalt(options.random);
    const healed = await heal({ ...log, error }, { nowMs: clock.now(), keepCorrupt, salt }).catch(
      (cause: unknown) => {
        throw healingFailed(path, error, cause);
      },
    );
    if (healed === undefined) throw error;
    options.onRepair?.(healed.repair);
    const positionEnd = healed.repair.cursor.isNone ? undefined : healed.codec.headerBytes;
    return { ...healed, positionEnd };
  }
}

async function scanAndRepair(
  handle: FileHandle,
  path: string,
  visitor: LogVisitor,
  options: NewLogOptions,
): Promise<Found> {
  const dump = visitor.batch === undefined ? new DumpExtent() : undefined;
  const scan = await scanLog(handle, path, visitor, { allowTornHeader: true, dump });
  const { goodBytes, tornBytes, lineage } = scan;
  const codec = codecOf(scan.format ?? options.format ?? NEW_FORMAT);
  const { headerBytes } = codec;
  if (goodBytes === 0) {
    const salt = newSalt(options.random);
    handle.writeSync(codec.header(salt), 0);
    // Zeros in the place of a longer header.
    if (tornBytes > headerBytes) handle.truncateSync(headerBytes);
    // Else a power loss may leave a file that is longer and has no header, which nobody can tell from somebody else's.
    await handle.sync();
    const compactBytes = headerBytes;
    return { handle, codec, salt, size: headerBytes, compactBytes, positionEnd: undefined };
  }
  if (tornBytes > 0) handle.truncateSync(goodBytes);
  if (goodBytes === headerBytes) {
    // The one that wrote it may have failed to sync it. Then the system may have given it up, and no sync brings it to the disk but one
    // after another write.
    handle.writeSync(codec.header(scan.salt), 0);
    await handle.sync();
  }
  return {
    handle,
    codec,
    salt: scan.salt,
    size: goodBytes,
    compactBytes: lineage?.newOffset ?? dump?.end ?? headerBytes,
    ...(lineage === undefined ? {} : { syncedBytes: lineage.newOffset }),
    positionEnd: scan.lastPosition,
  };
}
