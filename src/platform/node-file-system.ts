import { fstatSync, ftruncateSync, statSync, writeSync, type BigIntStats } from "node:fs";
import * as fs from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { FileHandle, FileOwner, FileStat, FileSystem, OpenMode } from "./file-system.js";
import { isLockedForWriting, lockForWriting } from "./writer-lock.js";

const OPEN_FLAGS: Record<OpenMode, number> = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR,
  create: fs.constants.O_RDWR | fs.constants.O_CREAT,
  "create-new": fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_EXCL,
};
const PRIVATE = 0o600;
const PRIVATE_DIRECTORY = 0o700;
/** As many symbolic links in a row as Linux follows. */
const LINKS_MAX = 40;

/** The machine's own files, by `node:fs`. The lock: {@link lockForWriting}. */
export const nodeFileSystem: FileSystem = {
  async open(path, mode, permissions = PRIVATE) {
    return new NodeFileHandle(await fs.open(path, OPEN_FLAGS[mode], permissions));
  },
  async stat(path) {
    return await orUndefined(fs.stat(path, { bigint: true }).then(statOf));
  },
  statSync(path) {
    const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
    return stats === undefined ? undefined : statOf(stats);
  },
  realPath: (path) => realPathOf(path, LINKS_MAX),
  rename: (from, to) => fs.rename(from, to),
  link: (from, to) => fs.link(from, to),
  remove: (path) => fs.rm(path, { force: true }),
  async makeDirectory(path) {
    await fs.mkdir(path, { recursive: true, mode: PRIVATE_DIRECTORY });
  },
  list: (path) => fs.readdir(path),
  async syncDirectory(path) {
    // Windows opens no directory, and writes its journal in order.
    if (process.platform === "win32") return;
    const handle = await fs.open(path, fs.constants.O_RDONLY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  lock: lockForWriting,
  isLocked: isLockedForWriting,
};

class NodeFileHandle implements FileHandle {
  readonly #handle: fs.FileHandle;

  constructor(handle: fs.FileHandle) {
    this.#handle = handle;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      const wanted = target.length - filled;
      const { bytesRead } = await this.#handle.read(target, filled, wanted, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  writeSync(source: Uint8Array, position: number): void {
    let written = 0;
    while (written < source.length) {
      const left = source.length - written;
      written += writeSync(this.#handle.fd, source, written, left, position + written);
    }
  }

  async write(source: Uint8Array, position: number): Promise<void> {
    let written = 0;
    while (written < source.length) {
      const left = source.length - written;
      const { bytesWritten } = await this.#handle.write(source, written, left, position + written);
      written += bytesWritten;
    }
  }

  truncateSync(length: number): void {
    ftruncateSync(this.#handle.fd, length);
  }

  async setPermissions(permissions: number): Promise<void> {
    // Mostly there is nothing to do, and under Node's permission model nothing that may be done.
    if ((await this.stat()).permissions !== permissions) await this.#handle.chmod(permissions);
  }

  setOwner({ user, group }: FileOwner): Promise<void> {
    return this.#handle.chown(user, group);
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  async stat(): Promise<FileStat> {
    return statOf(await this.#handle.stat({ bigint: true }));
  }

  statSync(): FileStat {
    return statOf(fstatSync(this.#handle.fd, { bigint: true }));
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

function statOf(stats: BigIntStats): FileStat {
  return {
    size: Number(stats.size),
    permissions: Number(stats.mode) & 0o7777,
    kind: stats.isFile() ? "file" : stats.isDirectory() ? "directory" : "other",
    owner: { user: Number(stats.uid), group: Number(stats.gid) },
    names: Number(stats.nlink),
    fileId: `${stats.dev}:${stats.ino}`,
    writeMark: `${stats.size}:${stats.mtimeNs}`,
    modifiedMs: Number(stats.mtimeMs),
  };
}

async function realPathOf(path: string, linksLeft: number): Promise<string> {
  const resolved = await orUndefined(fs.realpath(path));
  if (resolved !== undefined) return resolved;
  const absolute = resolve(path);
  const link = await orUndefined(fs.readlink(absolute).catch(ignoreNotALink));
  const directory = await fs.realpath(dirname(absolute));
  if (link === undefined || linksLeft === 0) return join(directory, basename(absolute));
  return await realPathOf(resolve(directory, link), linksLeft - 1);
}

function ignoreNotALink(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code === "EINVAL") return undefined;
  throw error;
}

async function orUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
