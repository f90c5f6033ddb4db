import { basename, dirname, join } from "node:path";
import type { FileHandle, FileOwner, FileSystem } from "../platform/index.js";
import type { KvEntry, WatchCursor } from "../values/index.js";
import { checkEntry } from "./check-record.js";
import { HEADER } from "./v2/format.js";
import { requireInPlace } from "./in-place.js";
import { ioError } from "./io-errors.js";
import { RecordBuffer } from "./v2/record-buffer.js";

/** What a compact log is made of. */
export interface CompactContent {
  /** Are written in the order given. */
  readonly entries: Iterable<KvEntry>;
  readonly cursor: WatchCursor;
}

/** A compact log that has taken the place of the one at its path. */
export interface CompactFile {
  /** Open for writing; the caller closes it. */
  readonly handle: FileHandle;
  readonly size: number;
}

const SLICE_BYTES = 256 * 1024;
const INFIX = ".compact-";
const SUFFIX = ".tmp";
/** What every common file system takes, and the longest process id of any system in digits. */
const NAME_BYTES_MAX = 255;
const PID_DIGITS_MAX = 10;

/**
 * Writes `content` to a temporary file beside `target` (resolved), with the same mode and owner, syncs it and renames it over
 * `target`. On a throw `target` still is what it was. The handle that wrote the file stays open and goes on to append to
 * it, so that no failed reopening can leave a writer on the old, nameless file. What is left for the caller is to sync the
 * directory. The caller holds the writer's lock.
 *
 * Throws {@link MovedAwayError} where `target` is not the file `fileId`, which is the one the content comes from: its
 * directory may have been moved aside, and what is there now may be another writer's. Looked at last just before the
 * rename, since no rename can be told to replace this one file only.
 */
export async function replaceWithCompact(
  fs: FileSystem,
  target: string,
  fileId: string,
  content: CompactContent,
): Promise<CompactFile> {
  const temporary = `${target}${INFIX}${process.pid}${SUFFIX}`;
  let handle: FileHandle | undefined;
  try {
    const { permissions, owner } = await requireInPlace(fs, target, fileId);
    await fs.remove(temporary);
    handle = await fs.open(temporary, "create-new");
    const size = await writeContent(handle, content);
    await keepOwner(handle, owner);
    await handle.setPermissions(permissions);
    await handle.sync();
    await requireInPlace(fs, target, fileId);
    await fs.rename(temporary, target);
    return { handle, size };
  } catch (cause) {
    await handle?.close().catch(() => undefined);
    await fs.remove(temporary).catch(() => undefined);
    throw ioError(target, "rewrite", cause);
  }
}

/**
 * Matters where root compacts another user's log, who could not open it afterwards. Best effort: whoever may not do that
 * compacts all the same. Before the mode is set, since it takes set-id bits away.
 */
async function keepOwner(handle: FileHandle, owner: FileOwner): Promise<void> {
  const made = (await handle.stat()).owner;
  if (made.user === owner.user && made.group === owner.group) return;
  await handle.setOwner(owner).catch(() => undefined);
}

/** A slice at a time, each written off the main thread, so that the event loop is not held. */
async function writeContent(
  handle: FileHandle,
  { entries, cursor }: CompactContent,
): Promise<number> {
  const slice = new RecordBuffer();
  slice.appendRaw(HEADER);
  let position = 0;
  for (const entry of entries) {
    checkEntry(entry);
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

/** Whether a compaction's temporary file can have a name: known at the open, not months later when one is due. */
export function isNameTooLong(target: string): boolean {
  const added = INFIX.length + PID_DIGITS_MAX + SUFFIX.length;
  return Buffer.byteLength(basename(target)) + added > NAME_BYTES_MAX;
}

/** Removes what compactions that were killed left beside `target`. The caller holds the writer's lock. */
export async function removeLeftovers(fs: FileSystem, target: string): Promise<void> {
  const directory = dirname(target);
  const start = `${basename(target)}${INFIX}`;
  for (const name of await fs.list(directory)) {
    if (name.startsWith(start) && name.endsWith(SUFFIX)) await fs.remove(join(directory, name));
  }
}
