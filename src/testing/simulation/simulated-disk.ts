import type { Clock, FileSystem, Random } from "../../platform/index.js";
import { checkChance, checkFunction, invalid } from "./checks.js";
import { DiskProcess } from "./disk-process.js";
import { type DiskOperation, diskOperations, DiskState } from "./disk-state.js";
import { integerBelow } from "./random.js";

/** A {@link SimulatedDisk} as one process sees it. */
export interface ProcessDisk extends FileSystem {
  /**
   * The process dies: its locks are free, what it has under way does not happen, and all that it still asks for fails. What it wrote
   * stays.
   */
  kill(): void;
}

/** Where a bit went bad. */
export interface Rotten {
  readonly path: string;
  readonly offset: number;
  /** Whether nothing was written to the file since that comes after it. */
  readonly isInLastWrite: boolean;
}

/**
 * A disk in memory as a machine has it: a page cache that a power loss takes, names that are safe only once their directory is synced, and
 * faults. Programs use it by {@link SimulatedDisk.process}. Files only; directories are what stands before the last slash.
 */
export class SimulatedDisk {
  readonly #state: DiskState;
  readonly #processes = new Set<DiskProcess>();
  #started = 0;

  /** `clock`: the time that operations take, and the dates of files. `random`: which faults come, and what a power loss takes. */
  constructor(clock: Clock, random: Random) {
    this.#state = new DiskState(clock, random);
  }

  /** The disk as a new process sees it. */
  process(): ProcessDisk {
    this.#started += 1;
    const process = new DiskProcess(this.#state, this.#started);
    this.#processes.add(process);
    return process;
  }

  /** Bytes that fit; beyond them writes fail with `ENOSPC`, after a part. Default: without end. */
  set capacityBytes(bytes: number) {
    this.#state.capacityBytes = bytes;
  }

  /** Bytes that its files take. */
  get usedBytes(): number {
    return this.#state.usedBytes;
  }

  /**
   * A function that gives how long an operation takes that is not synchronous, in milliseconds. Default: no time, but for what is queued
   * before it. Else `invalid-argument`.
   */
  set latencyMs(latency: (operation: DiskOperation) => number) {
    checkFunction("latencyMs", latency);
    this.#state.latencyMs = latency;
  }

  /** Called with each operation that comes to the disk: for a trace. */
  set onOperation(listener: (name: string, path: string, bytes: number) => void) {
    this.#state.onOperation = listener;
  }

  /**
   * From now on these operations fail with `EIO`, each with this chance (default 1). A write that fails may have got a part through. Throws
   * `invalid-argument` for what is no operation, and for a chance outside 0 to 1.
   */
  fail(operation: DiskOperation, chance = 1): void {
    if (!diskOperations.includes(operation)) {
      throw invalid(`"${operation}" does not fail: ${diskOperations.join(", ")} do`);
    }
    checkChance("the chance", chance);
    this.#state.failing.set(operation, chance);
  }

  /** No operation fails any more. */
  heal(): void {
    this.#state.failing.clear();
    this.#state.capacityBytes = Infinity;
  }

  /**
   * All its processes die, and of what was not synced anything may be gone: any sectors of any write, any change of names. Of what a
   * failed sync gave up, too.
   */
  losePower(): void {
    for (const process of this.#processes) process.kill();
    this.#processes.clear();
    this.#state.losePower();
  }

  /** One bit of this file, or of any that is on the disk, goes bad. Gives where; `undefined` where nothing was hit. */
  rot(of?: string): Rotten | undefined {
    const { paths, random } = this.#state;
    const path = of ?? paths[integerBelow(random, paths.length)];
    const file = path === undefined ? undefined : this.#state.file(path);
    const offset = file?.rot(random);
    if (path === undefined || file === undefined || offset === undefined) return undefined;
    return { path, offset, isInLastWrite: offset >= file.lastWriteAt };
  }

  /** The names of all files. */
  get paths(): string[] {
    return this.#state.paths;
  }

  /** What programs see of a file; `undefined` where none has this name. */
  content(path: string): Uint8Array | undefined {
    return this.#state.file(path)?.content;
  }
}
