import {
  nodeFileSystem,
  systemRandom,
  type FileHandle,
  type FileStat,
  type FileSystem,
} from "../platform/index.js";
import type { KvEntry, WatchCursor } from "../values/index.js";
import type { LogFormat } from "./codec.js";
import { codecOf } from "./codecs.js";
import { replaceWithCompact } from "./compact/index.js";
import { LogFold } from "./fold.js";
import { io } from "./io-errors.js";
import { openForReading } from "./open-log.js";
import { newSalt } from "./salt.js";
import { scanLog } from "./scan-log.js";

/** What a log adds up to. */
export interface Snapshot {
  /** By key, in no order. */
  readonly entries: Map<string, KvEntry>;
  /** The position up to which the entries are complete; none where the log holds no cursor. */
  readonly cursor: WatchCursor;
  /** When the source stored the message at the cursor, in ns since 1970; `0n` where the log does not say. */
  readonly cursorTimeNs: bigint;
  /** What the cursor belongs to, as its writer put it; undefined where the log does not say. */
  readonly origin: string | undefined;
}

/** How a log is read. */
export interface ReadOptions {
  /** Default: the machine's own. */
  readonly fs?: FileSystem;
}

/**
 * Reads the log at `path`; `undefined` where nothing is there, or neither an entry nor a cursor is in it. A torn tail is
 * dropped. The file is rewritten compact unless it already is (no key twice, no removal, one cursor, a clean end), under
 * the writer's lock.
 *
 * Throws `corrupted` or `invalid-format` with the offset for damage (the file stays as it is), `locked` where it needs
 * rewriting while a writer has it, and `io`. To look at a log that is being written: {@link readSnapshot}.
 */
export async function load(path: string, options: ReadOptions = {}): Promise<Snapshot | undefined> {
  const fs = options.fs ?? nodeFileSystem;
  const first = await foldFile(fs, path);
  if (first === undefined || first.compact) return snapshotOf(first?.fold);
  return await rewriteCompact(fs, path, first);
}

/**
 * As {@link load}, but never changes the file and takes no lock: a mirror may be writing it, and what it has not finished
 * is left out.
 */
export async function readSnapshot(
  path: string,
  options: ReadOptions = {},
): Promise<Snapshot | undefined> {
  const folded = await foldFile(options.fs ?? nodeFileSystem, path);
  return snapshotOf(folded?.fold);
}

/** The keys of `snapshot` that a fresh listing does not have: what was removed while nobody watched. */
export function staleKeys(snapshot: Snapshot, currentKeys: Iterable<string>): string[] {
  const current = new Set(currentKeys);
  return [...snapshot.entries.keys()].filter((key) => !current.has(key));
}

interface FoldedFile {
  readonly fold: LogFold;
  readonly compact: boolean;
  readonly format: LogFormat;
  readonly stat: FileStat;
}

async function foldFile(fs: FileSystem, path: string): Promise<FoldedFile | undefined> {
  const handle = await openForReading(fs, path);
  if (handle === undefined) return undefined;
  try {
    const fold = new LogFold();
    return await io(path, "read", async () => {
      // Taken before the scan: a later write then shows as a difference.
      const stat = await handle.stat();
      const scan = await scanLog(handle, path, fold);
      return { fold, compact: fold.isCompact(scan), format: scan.format ?? 3, stat };
    });
  } finally {
    await closeQuietly(handle);
  }
}

/** Reads once more where somebody wrote to the file before the lock was ours. */
async function rewriteCompact(
  fs: FileSystem,
  path: string,
  first: FoldedFile,
): Promise<Snapshot | undefined> {
  return await io(path, "rewrite", async () => {
    const target = await fs.realPath(path);
    const lock = await fs.lock(target);
    try {
      const now = await fs.stat(target);
      const unchanged = now?.fileId === first.stat.fileId && now.writeMark === first.stat.writeMark;
      const folded = unchanged ? first : await foldFile(fs, path);
      if (folded === undefined || folded.compact) return snapshotOf(folded?.fold);
      const { fold, stat } = folded;
      const content = { live: await fold.sortedEntries(), position: fold.lastPosition };
      const made = { codec: codecOf(folded.format), salt: newSalt(systemRandom) };
      await replaceWithCompact(fs, target, stat.fileId, made, content);
      return snapshotOf(fold);
    } finally {
      await lock.release();
    }
  });
}

function snapshotOf(fold: LogFold | undefined): Snapshot | undefined {
  if (fold === undefined || fold.isNone) return undefined;
  return { entries: fold.entries, ...fold.lastPosition };
}

/** What was read or synced through the handle is safe whatever closing it says. */
async function closeQuietly(handle: FileHandle): Promise<void> {
  await handle.close().catch(() => undefined);
}
