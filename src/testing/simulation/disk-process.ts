import { LockedError } from "../../errors/index.js";
import type { FileHandle, FileLock, FileStat, FileSystem, OpenMode } from "../../platform/index.js";
import { directoryOf, type DiskOperation, type DiskState } from "./disk-state.js";
import type { SimulatedFile } from "./simulated-file.js";

/** A simulated disk as one process sees it, until it is killed. */
export class DiskProcess implements FileSystem {
  /** A number of its own. */
  readonly pid: number;
  readonly #disk: DiskState;
  #isDead = false;

  /** Use `SimulatedDisk.process`. */
  constructor(disk: DiskState, pid: number) {
    this.#disk = disk;
    this.pid = pid;
  }

  /** The process dies: its locks are free, what it has under way does not happen, and all that it still asks for fails. */
  kill(): void {
    this.#isDead = true;
    this.#disk.unlockAll(this);
  }

  async open(path: string, mode: OpenMode, permissions = 0o600): Promise<FileHandle> {
    await this.#take(mode === "read" ? "read" : "write", "open", path);
    const file = this.#disk.file(path);
    if (file !== undefined && mode === "create-new") throw systemError("EEXIST", path);
    if (file !== undefined) return this.#handle(file, path);
    if (mode === "read" || mode === "write") throw systemError("ENOENT", path);
    return this.#handle(this.#disk.make(path, permissions), path);
  }

  async stat(path: string): Promise<FileStat | undefined> {
    await this.#take("read", "stat", path);
    return this.#statOf(path);
  }

  statSync(path: string): FileStat | undefined {
    this.#begin("read", "statSync", path);
    return this.#statOf(path);
  }

  async realPath(path: string): Promise<string> {
    this.#requireAlive(path);
    return path;
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#change("rename", from, () => {
      const file = this.#require(from);
      this.#disk.changeNames(to, (names) => {
        names.delete(from);
        names.set(to, file);
      });
    });
  }

  async link(from: string, to: string): Promise<void> {
    await this.#change("link", from, () => {
      const file = this.#require(from);
      if (this.#disk.file(to) !== undefined) throw systemError("EEXIST", to);
      this.#disk.changeNames(to, (names) => names.set(to, file));
    });
  }

  async remove(path: string): Promise<void> {
    await this.#change("remove", path, () => {
      if (this.#disk.file(path) === undefined) return;
      this.#disk.changeNames(path, (names) => names.delete(path));
    });
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#take("write", "makeDirectory", path);
  }

  async list(path: string): Promise<string[]> {
    await this.#take("read", "list", path);
    const inside = this.#disk.paths.filter((name) => directoryOf(name) === path);
    return inside.map((name) => name.slice(path === "/" ? 1 : path.length + 1));
  }

  async syncDirectory(path: string): Promise<void> {
    const serial = this.#disk.lastNameChange;
    await this.#take("sync", "syncDirectory", path);
    this.#disk.syncNames(path, serial);
  }

  async lock(path: string): Promise<FileLock> {
    this.#begin("read", "lock", path);
    const holder = this.#disk.holderOf(path);
    if (holder !== undefined) throw new LockedError(path, holder.pid);
    this.#disk.lock(path, this);
    return { release: async () => this.#disk.unlock(path, this) };
  }

  async isLocked(path: string): Promise<boolean> {
    this.#begin("read", "isLocked", path);
    return this.#disk.holderOf(path) !== undefined;
  }

  #statOf(path: string): FileStat | undefined {
    const file = this.#disk.file(path);
    return file && this.#disk.statOf(file);
  }

  #require(path: string): SimulatedFile {
    const file = this.#disk.file(path);
    if (file === undefined) throw systemError("ENOENT", path);
    return file;
  }

  #requireAlive(path: string): void {
    if (this.#isDead) throw systemError("EBADF", path);
  }

  #begin(operation: DiskOperation, name: string, path: string, bytes = 0): void {
    this.#requireAlive(path);
    this.#disk.onOperation?.(name, path, bytes);
    if (this.#disk.failsNow(operation)) throw systemError("EIO", path);
  }

  /** Comes to its end once the time has passed that it takes. */
  async #take(operation: DiskOperation, name: string, path: string, bytes = 0): Promise<void> {
    this.#begin(operation, name, path, bytes);
    const latencyMs = this.#disk.latencyMs(operation);
    if (latencyMs > 0) {
      await new Promise<void>((resolve) => {
        this.#disk.clock.schedule(latencyMs, resolve);
      });
    }
    this.#requireAlive(path);
  }

  /** Changes names: at the beginning of the time that it takes, or at its end. */
  async #change(name: string, path: string, apply: () => void): Promise<void> {
    const isEarly = this.#disk.latencyMs("rename") > 0 && this.#disk.random() < 1 / 2;
    if (!isEarly) {
      await this.#take("rename", name, path);
      apply();
      return;
    }
    this.#begin("rename", name, path);
    apply();
    await this.#take("rename", `${name} done`, path);
  }

  #handle(file: SimulatedFile, path: string): FileHandle {
    return new OpenFile(this.#disk, file, path, {
      begin: (operation, name, bytes) => this.#begin(operation, name, path, bytes),
      take: (operation, name, bytes) => this.#take(operation, name, path, bytes),
    });
  }
}

interface Gate {
  readonly begin: (operation: DiskOperation, name: string, bytes?: number) => void;
  readonly take: (operation: DiskOperation, name: string, bytes?: number) => Promise<void>;
}

class OpenFile implements FileHandle {
  readonly #disk: DiskState;
  readonly #file: SimulatedFile;
  readonly #path: string;
  readonly #gate: Gate;
  #isClosed = false;

  constructor(disk: DiskState, file: SimulatedFile, path: string, gate: Gate) {
    this.#disk = disk;
    this.#file = file;
    this.#path = path;
    this.#gate = gate;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    this.#requireOpen();
    await this.#gate.take("read", "read", target.length);
    return this.#file.read(target, position);
  }

  writeSync(source: Uint8Array, position: number): void {
    this.#requireOpen();
    let error: Error | undefined;
    try {
      this.#gate.begin("write", "writeSync", source.length);
    } catch (thrown) {
      // Of a dead process nothing gets through; of a write that fails a part may.
      if (codeOf(thrown) === "EBADF") throw thrown;
      error = thrown as Error;
    }
    this.#write(source, position, error);
  }

  async write(source: Uint8Array, position: number): Promise<void> {
    this.#requireOpen();
    const own = new Uint8Array(source);
    await this.#gate.take("write", "write", own.length);
    this.#write(own, position, undefined);
  }

  truncateSync(length: number): void {
    this.#requireOpen();
    this.#gate.begin("write", "truncateSync", length);
    this.#file.resize(length);
    this.#touch();
  }

  async setPermissions(permissions: number): Promise<void> {
    this.#requireOpen();
    await this.#gate.take("write", "setPermissions");
    this.#file.permissions = permissions;
  }

  async setOwner(owner: { readonly user: number; readonly group: number }): Promise<void> {
    this.#requireOpen();
    await this.#gate.take("write", "setOwner");
    this.#file.owner = owner;
  }

  async sync(): Promise<void> {
    this.#requireOpen();
    const serial = this.#file.lastChange;
    try {
      await this.#gate.take("sync", "sync");
    } catch (error) {
      if (codeOf(error) === "EIO") this.#file.failSync(this.#disk.random);
      throw error;
    }
    this.#file.sync(serial);
  }

  async stat(): Promise<FileStat> {
    this.#requireOpen();
    await this.#gate.take("read", "stat");
    return this.#disk.statOf(this.#file);
  }

  statSync(): FileStat {
    this.#requireOpen();
    this.#gate.begin("read", "statSync");
    return this.#disk.statOf(this.#file);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #write(source: Uint8Array, position: number, failure: Error | undefined): void {
    const growth = Math.max(0, position + source.length - this.#file.size);
    const free = this.#disk.freeBytes;
    const isFull = growth > free;
    const error = failure ?? (isFull ? systemError("ENOSPC", this.#path) : undefined);
    if (error === undefined) {
      this.#file.write(source, position);
      this.#touch();
      return;
    }
    const fits = isFull ? source.length - growth + free : source.length;
    const through = Math.floor(this.#disk.random() * (fits + 1));
    if (through > 0) this.#file.write(source.subarray(0, through), position);
    this.#touch();
    throw error;
  }

  #touch(): void {
    this.#file.modifiedMs = this.#disk.clock.now();
  }

  #requireOpen(): void {
    if (this.#isClosed) throw systemError("EBADF", this.#path);
  }
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: simulated, ${path}`), { code });
}

function codeOf(error: unknown): unknown {
  return (error as { readonly code?: unknown }).code;
}
