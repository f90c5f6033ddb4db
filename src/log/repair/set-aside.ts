import { basename, dirname, join } from "node:path";
import type { FileHandle, FileSystem } from "../../platform/index.js";
import { setAsideName, setAsideOf } from "../../rules/set-aside.js";

/** Files of one millisecond: more than one means that the clock stands still. */
const TRIES = 99;
const COPY_BYTES = 1024 * 1024;
/** What a file system says that has no second names. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/**
 * Gives the file at `target` a second name, by which it stays when another one takes its place; it never takes a name that
 * is there. Returns the path. Where the file system knows no second names it is copied. The caller holds the lock.
 */
export async function setAside(
  fs: FileSystem,
  target: string,
  handle: FileHandle,
  timeMs: number,
): Promise<string> {
  for (let count = 1; ; count += 1) {
    const aside = join(dirname(target), setAsideName(basename(target), timeMs, count));
    try {
      await linkOrCopy(fs, target, handle, aside);
      return aside;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || count === TRIES) throw error;
    }
  }
}

async function linkOrCopy(
  fs: FileSystem,
  target: string,
  handle: FileHandle,
  aside: string,
): Promise<void> {
  try {
    await fs.link(target, aside);
  } catch (error) {
    if (!NO_LINKS.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
    await copyTo(fs, handle, aside);
  }
}

/** Removes the oldest files set aside, so that `keep` are left. Best effort: nothing depends on it. */
export async function keepNewest(fs: FileSystem, target: string, keep: number): Promise<void> {
  try {
    const directory = dirname(target);
    const kept = setAsideOf(basename(target), await fs.list(directory));
    for (const name of kept.slice(0, Math.max(0, kept.length - keep))) {
      await fs.remove(join(directory, name));
    }
  } catch {
    return;
  }
}

/**
 * Undoes a {@link setAside} that a crash kept from its end: the damaged file still is at its place, and has a second name.
 * The caller holds the lock.
 */
export async function undoUnfinished(
  fs: FileSystem,
  target: string,
  handle: FileHandle,
): Promise<void> {
  const { fileId } = await handle.stat();
  const directory = dirname(target);
  for (const name of setAsideOf(basename(target), await fs.list(directory))) {
    const aside = join(directory, name);
    if ((await fs.stat(aside))?.fileId === fileId) await fs.remove(aside);
  }
}

async function copyTo(fs: FileSystem, from: FileHandle, path: string): Promise<void> {
  const copy = await fs.open(path, "create-new");
  try {
    const chunk = Buffer.allocUnsafeSlow(COPY_BYTES);
    for (let at = 0; ; at += COPY_BYTES) {
      const filled = await from.read(chunk, at);
      await copy.write(chunk.subarray(0, filled), at);
      if (filled < COPY_BYTES) break;
    }
    await copy.sync();
  } catch (error) {
    await fs.remove(path).catch(() => undefined);
    throw error;
  } finally {
    await copy.close().catch(() => undefined);
  }
}
