/**
 * The few file operations that the log needs, so that a test can run it on a disk that fills up, tears writes or forgets
 * what was not synced. Methods throw the operating system's errors (`error.code` is `ENOENT`, `ENOSPC`, …); the log
 * turns them into its own. Paths are what the caller gave: relative ones count from the working directory.
 */
export interface FileSystem {
  /** Modes: {@link OpenMode}. `permissions` (default 0o600) counts only where a file is made. */
  open(path: string, mode: OpenMode, permissions?: number): Promise<FileHandle>;
  /** `undefined` where nothing is there. Follows symbolic links. */
  stat(path: string): Promise<FileStat | undefined>;
  /** As {@link FileSystem.stat}. Synchronous for the same reason as {@link FileHandle.writeSync}. */
  statSync(path: string): FileStat | undefined;
  /** The path with every symbolic link resolved, absolute. The last component need not exist. */
  realPath(path: string): Promise<string>;
  rename(from: string, to: string): Promise<void>;
  /**
   * Gives the file at `from` the further name `to` (a hard link), which must not be taken: `EEXIST`. Not every file system can:
   * `EPERM`, `ENOTSUP`, `ENOSYS` or `EMLINK`.
   */
  link(from: string, to: string): Promise<void>;
  /** Nothing there is not an error. */
  remove(path: string): Promise<void>;
  /** Makes the directory and its parents, for their owner only (0o700); one that is there stays as it is. */
  makeDirectory(path: string): Promise<void>;
  /** The names in a directory, in no order. */
  list(path: string): Promise<string[]>;
  /** Makes renames and new names in the directory survive a power loss. */
  syncDirectory(path: string): Promise<void>;
  /**
   * Takes the one writer's lock that goes with the file at `path` (absolute, resolved). Held until released or until the
   * process ends, however it ends. Throws {@link LockedError} when somebody holds it, this process included.
   */
  lock(path: string): Promise<FileLock>;
  /**
   * Whether somebody, this process included, holds the lock that {@link FileSystem.lock} takes, without taking it. `undefined`
   * where that cannot be told.
   */
  isLocked(path: string): Promise<boolean | undefined>;
}

/** `read`: must exist. `write`: must exist, read and write. `create`: as `write`, made where missing. `create-new`: must not exist. */
export type OpenMode = "read" | "write" | "create" | "create-new";

/** An open file, which has no place of its own: each call says where. */
export interface FileHandle {
  /** Fills `target` from `position` on and returns how many bytes there were; fewer than asked only at the end. */
  read(target: Uint8Array, position: number): Promise<number>;
  /**
   * Writes all of `source` at `position` before it returns. A throw may leave any part of it written. Synchronous because
   * a write to the page cache costs less than a trip through the thread pool.
   */
  writeSync(source: Uint8Array, position: number): void;
  /** As {@link FileHandle.writeSync}, off the main thread; for bulk work such as a compaction. */
  write(source: Uint8Array, position: number): Promise<void>;
  truncateSync(length: number): void;
  /** Sets the permission bits as they are, whatever the process's umask. */
  setPermissions(permissions: number): Promise<void>;
  /** Only the superuser may give a file away; others may choose among their own groups. */
  setOwner(owner: FileOwner): Promise<void>;
  /** fsync. */
  sync(): Promise<void>;
  stat(): Promise<FileStat>;
  statSync(): FileStat;
  close(): Promise<void>;
}

/** What is at a path, or behind a handle. */
export interface FileStat {
  /** In bytes. */
  readonly size: number;
  /** Permission bits, e.g. 0o644. */
  readonly permissions: number;
  readonly kind: "file" | "directory" | "other";
  /** Owner and group, by number; 0 where the system has none. */
  readonly owner: FileOwner;
  /** How many names the file has: more than 1 where somebody made hard links. */
  readonly names: number;
  /** Another text for another file, whatever its name. The number of one that is gone may come again. */
  readonly fileId: string;
  /** Another text once the file was written to. */
  readonly writeMark: string;
  /** When it was last written to, in milliseconds since the Unix epoch. */
  readonly modifiedMs: number;
}

/** Whose a file is, by numbers. */
export interface FileOwner {
  readonly user: number;
  readonly group: number;
}

/** A lock that is held until it is released or the process ends. */
export interface FileLock {
  release(): Promise<void>;
}
