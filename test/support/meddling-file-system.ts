import { setTimeout as delay } from "node:timers/promises";
import {
  nodeFileSystem,
  type FileHandle,
  type FileLock,
  type FileOwner,
  type FileStat,
  type FileSystem,
  type OpenMode,
} from "../../src/platform/index.js";
import type { Fault, Operation } from "./memory-file-system.js";

/** How an operation fails. `takesEffect`: it is done all the same, and only said to have failed. */
export interface DiskFault extends Fault {
  readonly takesEffect: boolean;
}

/** Who meddles with the operations of a disk. Each may also end the process. */
export interface Meddler {
  /** How long the operation is held up before it begins, in milliseconds. */
  pauseMs(operation: Operation): number;
  before(operation: Operation): DiskFault | undefined;
  /** Called once an operation that is not synchronous is under way. */
  during(operation: Operation): void;
  /** Called once it is done. */
  after(operation: Operation): void;
}

/** The machine's own files, each operation on which somebody may hold up, fail, or die at. */
export class MeddlingFileSystem implements FileSystem {
  readonly #meddler: Meddler;
  readonly #disk = nodeFileSystem;

  constructor(meddler: Meddler) {
    this.#meddler = meddler;
  }

  async open(path: string, mode: OpenMode, permissions?: number): Promise<FileHandle> {
    const handle = await this.#later({ name: "open", path }, () =>
      this.#disk.open(path, mode, permissions),
    );
    return new MeddledHandle(this.#meddler, path, handle);
  }

  stat(path: string): Promise<FileStat | undefined> {
    return this.#later({ name: "stat", path }, () => this.#disk.stat(path));
  }

  statSync(path: string): FileStat | undefined {
    return runNow(this.#meddler, { name: "statSync", path }, () => this.#disk.statSync(path));
  }

  realPath(path: string): Promise<string> {
    return this.#later({ name: "realPath", path }, () => this.#disk.realPath(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#later({ name: "rename", path: from }, () => this.#disk.rename(from, to));
  }

  link(from: string, to: string): Promise<void> {
    return this.#later({ name: "link", path: from }, () => this.#disk.link(from, to));
  }

  remove(path: string): Promise<void> {
    return this.#later({ name: "remove", path }, () => this.#disk.remove(path));
  }

  makeDirectory(path: string): Promise<void> {
    return this.#later({ name: "makeDirectory", path }, () => this.#disk.makeDirectory(path));
  }

  list(path: string): Promise<string[]> {
    return this.#later({ name: "list", path }, () => this.#disk.list(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#later({ name: "syncDirectory", path }, () => this.#disk.syncDirectory(path));
  }

  lock(path: string): Promise<FileLock> {
    return this.#later({ name: "lock", path }, () => this.#disk.lock(path));
  }

  isLocked(path: string): Promise<boolean | undefined> {
    return this.#later({ name: "isLocked", path }, () => this.#disk.isLocked(path));
  }

  #later<T>(operation: Operation, work: () => Promise<T>): Promise<T> {
    return runLater(this.#meddler, operation, work);
  }
}

class MeddledHandle implements FileHandle {
  readonly #meddler: Meddler;
  readonly #path: string;
  readonly #handle: FileHandle;

  constructor(meddler: Meddler, path: string, handle: FileHandle) {
    this.#meddler = meddler;
    this.#path = path;
    this.#handle = handle;
  }

  read(target: Uint8Array, position: number): Promise<number> {
    return this.#later("read", () => this.#handle.read(target, position));
  }

  writeSync(source: Uint8Array, position: number): void {
    const operation: Operation = { name: "writeSync", path: this.#path, bytes: source.length };
    const write = (bytes: Uint8Array): void => this.#handle.writeSync(bytes, position);
    runNow(
      this.#meddler,
      operation,
      () => write(source),
      ({ partialBytes }) => write(source.subarray(0, partialBytes)),
    );
  }

  write(source: Uint8Array, position: number): Promise<void> {
    const operation: Operation = { name: "write", path: this.#path, bytes: source.length };
    return runLater(
      this.#meddler,
      operation,
      () => this.#handle.write(source, position),
      ({ partialBytes }) => this.#handle.write(source.subarray(0, partialBytes), position),
    );
  }

  truncateSync(length: number): void {
    runNow(this.#meddler, { name: "truncateSync", path: this.#path }, () =>
      this.#handle.truncateSync(length),
    );
  }

  setPermissions(permissions: number): Promise<void> {
    return this.#later("setPermissions", () => this.#handle.setPermissions(permissions));
  }

  setOwner(owner: FileOwner): Promise<void> {
    return this.#later("setOwner", () => this.#handle.setOwner(owner));
  }

  sync(): Promise<void> {
    return this.#later("sync", () => this.#handle.sync());
  }

  stat(): Promise<FileStat> {
    return this.#later("stat", () => this.#handle.stat());
  }

  statSync(): FileStat {
    return runNow(this.#meddler, { name: "statSync", path: this.#path }, () =>
      this.#handle.statSync(),
    );
  }

  close(): Promise<void> {
    return this.#later("close", () => this.#handle.close());
  }

  #later<T>(name: keyof FileHandle, work: () => Promise<T>): Promise<T> {
    return runLater(this.#meddler, { name, path: this.#path }, work);
  }
}

async function runLater<T>(
  meddler: Meddler,
  operation: Operation,
  work: () => Promise<T>,
  partly?: (fault: DiskFault) => Promise<T>,
): Promise<T> {
  const pauseMs = meddler.pauseMs(operation);
  if (pauseMs > 0) await delay(pauseMs);
  const fault = meddler.before(operation);
  if (fault !== undefined && !fault.takesEffect) {
    await partly?.(fault);
    throw fault.error;
  }
  const working = work();
  meddler.during(operation);
  const done = await working;
  meddler.after(operation);
  if (fault !== undefined) throw fault.error;
  return done;
}

function runNow<T>(
  meddler: Meddler,
  operation: Operation,
  work: () => T,
  partly?: (fault: DiskFault) => T,
): T {
  const pauseMs = meddler.pauseMs(operation);
  if (pauseMs > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
  const fault = meddler.before(operation);
  if (fault !== undefined && !fault.takesEffect) {
    partly?.(fault);
    throw fault.error;
  }
  const done = work();
  meddler.after(operation);
  if (fault !== undefined) throw fault.error;
  return done;
}
