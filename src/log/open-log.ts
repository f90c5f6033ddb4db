import { type FileHandle, type FileLock, type FileSystem } from "../platform/index.js";
import { isNameTooLong, removeLeftovers } from "./compact-file.js";
import { HEADER, HEADER_BYTES } from "./v2/format.js";
import { hardLinked, io, ioError, nameTooLong, notAFile } from "./io-errors.js";
import { scanLog } from "./scan-log.js";
import type { LogVisitor } from "./visitor.js";

/** A log that is ours to write. */
export interface WritableLog {
  /** Absolute, with every symbolic link resolved. */
  readonly target: string;
  readonly handle: FileHandle;
  readonly lock: FileLock;
  /** Size of the file, which ends with a whole record. */
  readonly size: number;
}

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
 * Takes the lock, opens the log or makes it, hands each record to `visitor`, and cuts off a torn tail or makes a torn
 * header whole, so that the next append does not land after junk. Damage throws and leaves the file as it is.
 */
export async function openForWriting(
  fs: FileSystem,
  path: string,
  visitor: LogVisitor,
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
    if ((await handle.stat()).names > 1) throw hardLinked(path);
    const size = await scanAndRepair(handle, path, visitor);
    return { target, handle, lock, size };
  } catch (cause) {
    await handle?.close().catch(() => undefined);
    await lock.release();
    throw ioError(path, "open", cause);
  }
}

async function scanAndRepair(
  handle: FileHandle,
  path: string,
  visitor: LogVisitor,
): Promise<number> {
  const { goodBytes, tornBytes } = await scanLog(handle, path, visitor, { allowTornHeader: true });
  if (goodBytes === 0) {
    handle.writeSync(HEADER, 0);
    return HEADER_BYTES;
  }
  if (tornBytes > 0) handle.truncateSync(goodBytes);
  return goodBytes;
}
