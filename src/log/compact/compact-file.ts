import { basename, dirname, join } from "node:path";
import type { FileHandle, FileOwner, FileStat, FileSystem } from "../../platform/index.js";
import type { LogCodec } from "../codec.js";
import { writeDump, type CompactContent } from "./dump.js";
import { MovedAwayError, requireInPlace } from "../in-place.js";
import { ioError } from "../io-errors.js";

const INFIX = ".compact-";
const SUFFIX = ".tmp";
/** What every common file system takes, and the longest process id of any system in digits. */
const NAME_BYTES_MAX = 255;
const PID_DIGITS_MAX = 10;

/**
 * The file beside a log that is to take its place. The handle that makes it stays open and goes on to append to it, so
 * that no failed reopening can leave a writer on the old, nameless file. The caller holds the writer's lock.
 */
export class TemporaryLog {
  readonly path: string;
  readonly handle: FileHandle;
  readonly #fs: FileSystem;
  readonly #target: string;
  readonly #replaced: FileStat;

  private constructor(
    fs: FileSystem,
    target: string,
    replaced: FileStat,
    path: string,
    handle: FileHandle,
  ) {
    this.path = path;
    this.handle = handle;
    this.#fs = fs;
    this.#target = target;
    this.#replaced = replaced;
  }

  /**
   * Throws {@link MovedAwayError} where `target` (resolved) is not the file `fileId`, which is the one the content comes from, nor
   * one of `heirs`: its directory may have been moved aside, and what is there now may be another writer's.
   */
  static async create(
    fs: FileSystem,
    target: string,
    fileId: string,
    heirs: readonly string[] = [],
  ): Promise<TemporaryLog> {
    const path = `${target}${INFIX}${process.pid}${SUFFIX}`;
    const replaced = await requireInPlace(fs, target, fileId, ...heirs);
    await fs.remove(path);
    const handle = await fs.open(path, "create-new");
    return new TemporaryLog(fs, target, replaced, path, handle);
  }

  /**
   * Gives the file the mode and owner of the one it replaces, syncs it, and looks a last time whether that one is in place,
   * since no rename can be told to replace this one file only.
   */
  async seal(): Promise<void> {
    const { owner, permissions, fileId } = this.#replaced;
    await keepOwner(this.handle, owner);
    await this.handle.setPermissions(permissions);
    await this.handle.sync();
    await requireInPlace(this.#fs, this.#target, fileId);
  }

  /**
   * What is left for the caller is to sync the directory. A rename may report a failure and have taken effect, on a network disk for
   * one: what is at the path tells. Throws {@link MovedAwayError} where that is not the file that was to be replaced any more, and where it cannot
   * be found out which of the two it is.
   */
  async takePlace(): Promise<void> {
    const { fileId } = await this.handle.stat();
    try {
      await this.#fs.rename(this.path, this.#target);
    } catch (error) {
      const there = this.#whatIsThere();
      if (there === fileId) return;
      if (there === this.#replaced.fileId) throw error;
      const heirs = there === undefined ? [this.#replaced.fileId, fileId] : [];
      throw new MovedAwayError(this.#target, heirs);
    }
  }

  /** The id of the file at the path, "" where there is none. `undefined`: nobody can tell. */
  #whatIsThere(): string | undefined {
    try {
      return this.#fs.statSync(this.#target)?.fileId ?? "";
    } catch {
      return undefined;
    }
  }

  /** Removes it as far as that can be done; the next open removes the rest. */
  async remove(): Promise<void> {
    await this.handle.close().catch(() => undefined);
    await this.#fs.remove(this.path).catch(() => undefined);
  }
}

/**
 * Puts a compact log in the place of the one at `target`, which nobody else may be writing. On a throw `target` still is
 * what it was. The directory is synced.
 */
export async function replaceWithCompact(
  fs: FileSystem,
  target: string,
  fileId: string,
  { codec, salt }: { readonly codec: LogCodec; readonly salt: Uint8Array },
  content: CompactContent,
): Promise<void> {
  let temporary: TemporaryLog | undefined;
  try {
    temporary = await TemporaryLog.create(fs, target, fileId);
    const { handle } = temporary;
    await writeDump({ handle, codec, salt, ancestor: undefined, signal: NEVER }, content);
    await temporary.seal();
    await temporary.takePlace();
    await handle.close().catch(() => undefined);
  } catch (cause) {
    await temporary?.remove();
    throw ioError(target, "rewrite", cause);
  }
  await fs.syncDirectory(dirname(target));
}

const NEVER = new AbortController().signal;

/**
 * Matters where root compacts another user's log, who could not open it afterwards. Best effort: whoever may not do that
 * compacts all the same. Before the mode is set, since it takes set-id bits away.
 */
async function keepOwner(handle: FileHandle, owner: FileOwner): Promise<void> {
  const made = (await handle.stat()).owner;
  if (made.user === owner.user && made.group === owner.group) return;
  await handle.setOwner(owner).catch(() => undefined);
}

/** Whether a compaction's temporary file can have a name: known at the open, not months later when one is due. */
export function isNameTooLong(target: string): boolean {
  const added = INFIX.length + PID_DIGITS_MAX + SUFFIX.length;
  return Buffer.byteLength(basename(target)) + added > NAME_BYTES_MAX;
}

/** Removes what compactions that were killed left beside `target`. The caller holds the writer's lock. */
export async function removeLeftovers(fs: FileSystem, target: string): Promise<void> {
  const directory = dirname(target);
  for (const name of await fs.list(directory)) {
    if (isLeftover(name, basename(target))) await fs.remove(join(directory, name));
  }
}

/** A log of another name may begin with this one's and the infix: only digits may stand where the process id does. */
function isLeftover(name: string, log: string): boolean {
  const start = `${log}${INFIX}`;
  if (!name.startsWith(start) || !name.endsWith(SUFFIX)) return false;
  return /^\d+$/.test(name.slice(start.length, -SUFFIX.length));
}
