import { basename, dirname, join } from "node:path";
import type { FileHandle, FileSystem } from "../platform/index.js";
import type { KvEntry, WatchCursor } from "../values/index.js";
import { HEADER } from "./format.js";
import { ioError } from "./io-errors.js";
import { RecordBuffer } from "./record-buffer.js";

/** A compact log that has taken the place of the one at its path. */
export interface CompactFile {
  /** Open for writing; the caller closes it. */
  readonly handle: FileHandle;
  readonly size: number;
}

const SLICE_BYTES = 256 * 1024;
const INFIX = ".compact-";
const SUFFIX = ".tmp";

/**
 * Writes `entries` (in the order given) and `cursor` to a temporary file beside `target` (resolved), with the same mode,
 * syncs it and renames it over `target`. On a throw `target` still is what it was. The handle that wrote the file stays
 * open and goes on to append to it, so that no failed reopening can leave a writer on the old, nameless file. What is
 * left for the caller is to sync the directory. The caller holds the writer's lock.
 */
export async function replaceWithCompact(
  fs: FileSystem,
  target: string,
  entries: Iterable<KvEntry>,
  cursor: WatchCursor,
): Promise<CompactFile> {
  const temporary = `${target}${INFIX}${process.pid}${SUFFIX}`;
  let handle: FileHandle | undefined;
  try {
    const permissions = (await fs.stat(target))?.permissions;
    await fs.remove(temporary);
    handle = await fs.open(temporary, "create-new");
    const size = await writeEntries(handle, entries, cursor);
    if (permissions !== undefined) await handle.setPermissions(permissions);
    await handle.sync();
    await fs.rename(temporary, target);
    return { handle, size };
  } catch (cause) {
    await handle?.close().catch(() => undefined);
    await fs.remove(temporary).catch(() => undefined);
    throw ioError(target, "rewrite", cause);
  }
}

/** A slice at a time, each written off the main thread, so that the event loop is not held. */
async function writeEntries(
  handle: FileHandle,
  entries: Iterable<KvEntry>,
  cursor: WatchCursor,
): Promise<number> {
  const slice = new RecordBuffer();
  slice.appendRaw(HEADER);
  let position = 0;
  for (const entry of entries) {
    slice.appendPut(entry);
    if (slice.length < SLICE_BYTES) continue;
    await handle.write(slice.view(), position);
    position += slice.length;
    slice.truncate(0);
  }
  if (!cursor.isNone) slice.appendCursor(cursor);
  await handle.write(slice.view(), position);
  return position + slice.length;
}

/** Removes what compactions that were killed left beside `target`. The caller holds the writer's lock. */
export async function removeLeftovers(fs: FileSystem, target: string): Promise<void> {
  const directory = dirname(target);
  const start = `${basename(target)}${INFIX}`;
  for (const name of await fs.list(directory)) {
    if (name.startsWith(start) && name.endsWith(SUFFIX)) await fs.remove(join(directory, name));
  }
}
