import { basename, dirname } from "node:path";
import { LockedError } from "../../src/errors/index.js";
import type {
  FileHandle,
  FileOwner,
  FileStat,
  FileSystem,
  OpenMode,
  Random,
} from "../../src/platform/index.js";
import { integerBelow } from "./seed.js";

/** Changes that are kept in mind for a power loss: a test that makes more loses what comes after them. */
const UNSYNCED_MAX = 10_000;

/** One file's content, which open handles keep alive when its name is gone, as on a real disk. */
interface Inode {
  bytes: Buffer;
  /** What a power loss leaves for certain, and the changes since. */
  synced: Buffer;
  unsynced: Change[];
  permissions: number;
  owner: FileOwner;
  writes: number;
  modifiedMs: number;
  readonly number: number;
}

/** A write, or a cut to a length. */
type Change = { readonly at: number; readonly source: Buffer } | { readonly length: number };

/** What is about to happen; a hook may throw to make it fail, or for a write say how many bytes get through first. */
export interface Operation {
  readonly name: keyof FileSystem | keyof FileHandle;
  readonly path: string;
  readonly bytes?: number;
}
export type Fault = { readonly error: Error; readonly partialBytes: number };
export type Hook = (operation: Operation) => Fault | undefined;

/** A disk in memory, with absolute paths and one level of directories, on which any operation can be made to fail. */
export class MemoryFileSystem implements FileSystem {
  readonly #files = new Map<string, Inode>();
  readonly #locks = new Set<string>();
  #hook: Hook = () => undefined;
  #boot = 0;
  #syncedNames = new Map<string, Inode>();
  #unsyncedNames: ((names: Map<string, Inode>) => void)[] = [];
  /** Who the files are from that are made. */
  user: FileOwner = { user: 0, group: 0 };
  #inodes = 0;
  /** What its files are stamped with, in milliseconds. */
  now: () => number = () => 0;

  /** Asked before every operation from now on. */
  setHook(hook: Hook): void {
    this.#hook = hook;
  }

  /** The process dies: handles and locks are gone, what was written stays, faults end. */
  crash(): void {
    this.#boot += 1;
    this.#locks.clear();
    this.#hook = () => undefined;
  }

  /**
   * As {@link MemoryFileSystem.crash}, and of what was not synced only a beginning is left: of the changes of names, and of
   * those of each file, the last of which may be torn.
   */
  losePower(random: Random): void {
    this.crash();
    const names = this.#unsyncedNames.slice(
      0,
      integerBelow(random, this.#unsyncedNames.length + 1),
    );
    for (const change of names) change(this.#syncedNames);
    this.#unsyncedNames = [];
    this.#files.clear();
    for (const [path, file] of this.#syncedNames) this.#files.set(path, file);
    for (const file of new Set(this.#files.values())) loseUnsynced(file, random);
  }

  get names(): string[] {
    return [...this.#files.keys()];
  }

  content(path: string): Buffer | undefined {
    return this.#files.get(path)?.bytes;
  }

  async open(path: string, mode: OpenMode, permissions = 0o600): Promise<FileHandle> {
    this.#step({ name: "open", path });
    const existing = this.#files.get(path);
    if (existing !== undefined) {
      if (mode === "create-new") throw systemError("EEXIST");
      return this.#handle(existing, path);
    }
    if (mode === "read" || mode === "write") throw systemError("ENOENT");
    const made: Inode = {
      bytes: Buffer.alloc(0),
      synced: Buffer.alloc(0),
      unsynced: [],
      permissions,
      owner: this.user,
      writes: 0,
      modifiedMs: this.now(),
      number: (this.#inodes += 1),
    };
    this.#rename((names) => names.set(path, made));
    return this.#handle(made, path);
  }

  async stat(path: string): Promise<FileStat | undefined> {
    return this.#statAt("stat", path);
  }

  statSync(path: string): FileStat | undefined {
    return this.#statAt("statSync", path);
  }

  #statAt(name: "stat" | "statSync", path: string): FileStat | undefined {
    this.#step({ name, path });
    const file = this.#files.get(path);
    return file === undefined ? undefined : this.#statOf(file);
  }

  async realPath(path: string): Promise<string> {
    this.#step({ name: "realPath", path });
    return path;
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step({ name: "rename", path: from });
    const file = this.#files.get(from);
    if (file === undefined) throw systemError("ENOENT");
    this.#rename((names) => {
      names.delete(from);
      names.set(to, file);
    });
  }

  async link(from: string, to: string): Promise<void> {
    this.#step({ name: "link", path: from });
    const file = this.#files.get(from);
    if (file === undefined) throw systemError("ENOENT");
    if (this.#files.has(to)) throw systemError("EEXIST");
    this.#rename((names) => names.set(to, file));
  }

  async remove(path: string): Promise<void> {
    this.#step({ name: "remove", path });
    this.#rename((names) => names.delete(path));
  }

  async makeDirectory(path: string): Promise<void> {
    this.#step({ name: "makeDirectory", path });
  }

  async list(path: string): Promise<string[]> {
    this.#step({ name: "list", path });
    return this.names.filter((name) => dirname(name) === path).map((name) => basename(name));
  }

  async syncDirectory(path: string): Promise<void> {
    this.#step({ name: "syncDirectory", path });
    for (const change of this.#unsyncedNames) change(this.#syncedNames);
    this.#unsyncedNames = [];
  }

  async lock(path: string): Promise<{ release(): Promise<void> }> {
    this.#step({ name: "lock", path });
    if (this.#locks.has(path)) throw new LockedError(path, undefined);
    this.#locks.add(path);
    const boot = this.#boot;
    return {
      release: async () => {
        if (boot === this.#boot) this.#locks.delete(path);
      },
    };
  }

  async isLocked(path: string): Promise<boolean> {
    this.#step({ name: "isLocked", path });
    return this.#locks.has(path);
  }

  #rename(change: (names: Map<string, Inode>) => void): void {
    change(this.#files);
    this.#unsyncedNames.push(change);
  }

  #statOf(file: Inode): FileStat {
    const names = [...this.#files.values()].filter((other) => other === file).length;
    return statOf(file, names);
  }

  #step(operation: Operation): void {
    const fault = this.#hook(operation);
    if (fault !== undefined) throw fault.error;
  }

  #handle(file: Inode, path: string): FileHandle {
    const boot = this.#boot;
    let closed = false;
    const step = (name: keyof FileHandle, bytes?: number): Fault | undefined => {
      if (closed || boot !== this.#boot) throw systemError("EBADF");
      return this.#hook({ name, path, ...(bytes === undefined ? {} : { bytes }) });
    };
    const refuse = (name: keyof FileHandle): void => {
      const fault = step(name);
      if (fault !== undefined) throw fault.error;
    };
    const write = (name: "write" | "writeSync", source: Uint8Array, position: number): void => {
      const fault = step(name, source.length);
      const through = fault === undefined ? source.length : fault.partialBytes;
      if (through > 0) {
        const written = Buffer.from(source.subarray(0, through));
        put(file, written, position);
        note(file, { at: position, source: written });
      }
      file.modifiedMs = this.now();
      if (fault !== undefined) throw fault.error;
    };
    return {
      async read(target, position) {
        refuse("read");
        if (position >= file.bytes.length) return 0;
        return file.bytes.copy(target, 0, position, position + target.length);
      },
      writeSync: (source, position) => write("writeSync", source, position),
      write: async (source, position) => write("write", source, position),
      truncateSync: (length) => {
        refuse("truncateSync");
        resize(file, length);
        note(file, { length });
        file.modifiedMs = this.now();
      },
      async setPermissions(permissions) {
        refuse("setPermissions");
        file.permissions = permissions;
      },
      async setOwner(owner) {
        refuse("setOwner");
        file.owner = owner;
      },
      sync: async () => {
        refuse("sync");
        file.synced = Buffer.from(file.bytes);
        file.unsynced = [];
      },
      stat: async () => {
        refuse("stat");
        return this.#statOf(file);
      },
      statSync: () => {
        refuse("statSync");
        return this.#statOf(file);
      },
      async close() {
        const fault = step("close");
        closed = true;
        if (fault !== undefined) throw fault.error;
      },
    };
  }
}

export function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: made up by a test`), { code });
}

function put(file: Inode, source: Uint8Array, position: number): void {
  if (position + source.length > file.bytes.length) resize(file, position + source.length);
  file.bytes.set(source, position);
  file.writes += 1;
}

function note(file: Inode, change: Change): void {
  if (file.unsynced.length < UNSYNCED_MAX) file.unsynced.push(change);
}

function loseUnsynced(file: Inode, random: Random): void {
  const left = file.unsynced.slice(0, integerBelow(random, file.unsynced.length + 1));
  file.bytes = file.synced;
  for (const [index, change] of left.entries()) {
    if ("length" in change) resize(file, change.length);
    else if (index < left.length - 1) put(file, change.source, change.at);
    else
      put(
        file,
        change.source.subarray(0, integerBelow(random, change.source.length + 1)),
        change.at,
      );
  }
  file.synced = Buffer.from(file.bytes);
  file.unsynced = [];
}

function resize(file: Inode, length: number): void {
  const resized = Buffer.alloc(length);
  file.bytes.copy(resized);
  file.bytes = resized;
  file.writes += 1;
}

function statOf(file: Inode, names: number): FileStat {
  return {
    size: file.bytes.length,
    permissions: file.permissions,
    kind: "file",
    names,
    owner: file.owner,
    fileId: `${file.number}`,
    writeMark: `${file.writes}:${file.bytes.length}`,
    modifiedMs: file.modifiedMs,
  };
}
