import type { Clock, FileStat, Random } from "../../platform/index.js";
import { integerBelow } from "./random.js";
import { SimulatedFile } from "./simulated-file.js";

export const diskOperations = ["read", "write", "sync", "rename"] as const;

/** What can fail of a disk. `rename`: whatever changes names. */
export type DiskOperation = (typeof diskOperations)[number];

/** Who holds a lock. */
export interface LockHolder {
  readonly pid: number;
}

type Names = Map<string, SimulatedFile>;

interface NameChange {
  readonly serial: number;
  readonly directory: string;
  readonly apply: (names: Names) => void;
}

/** The chance that a change of names survives a power loss where its directory was not synced. */
const SURVIVING = [0, 0.5, 1] as const;

/** What is on a simulated disk, what of it is safe, and what is wrong with it. */
export class DiskState {
  readonly clock: Clock;
  readonly random: Random;
  capacityBytes = Infinity;
  latencyMs: (operation: DiskOperation) => number = () => 0;
  onOperation: ((name: string, path: string, bytes: number) => void) | undefined;
  /** Operations that fail, each with its chance. */
  readonly failing = new Map<DiskOperation, number>();
  #names: Names = new Map();
  #namesOnDisk: Names = new Map();
  #changes: NameChange[] = [];
  readonly #locks = new Map<string, LockHolder>();
  #made = 0;
  #files = 0;

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.random = random;
  }

  get paths(): string[] {
    return [...this.#names.keys()];
  }

  file(path: string): SimulatedFile | undefined {
    return this.#names.get(path);
  }

  make(path: string, permissions: number): SimulatedFile {
    this.#files += 1;
    const file = new SimulatedFile(this.#files, permissions);
    file.modifiedMs = this.clock.now();
    this.changeNames(path, (names) => names.set(path, file));
    return file;
  }

  /** `path`: one in the directory that changes. */
  changeNames(path: string, apply: (names: Names) => void): void {
    apply(this.#names);
    this.#made += 1;
    this.#changes.push({ serial: this.#made, directory: directoryOf(path), apply });
  }

  /** The change of names that was made last: a sync that begins now is for all up to it. */
  get lastNameChange(): number {
    return this.#made;
  }

  syncNames(directory: string, serial: number): void {
    const isDue = (change: NameChange): boolean =>
      change.directory === directory && change.serial <= serial;
    for (const change of this.#changes) if (isDue(change)) change.apply(this.#namesOnDisk);
    this.#changes = this.#changes.filter((change) => !isDue(change));
  }

  losePower(): void {
    const { random } = this;
    const chance = SURVIVING[integerBelow(random, SURVIVING.length)] ?? 0;
    for (const change of this.#changes) if (random() < chance) change.apply(this.#namesOnDisk);
    this.#changes = [];
    this.#names = new Map(this.#namesOnDisk);
    for (const file of new Set(this.#names.values())) file.losePower(random);
  }

  statOf(file: SimulatedFile): FileStat {
    let names = 0;
    for (const other of this.#names.values()) if (other === file) names += 1;
    return file.stat(names);
  }

  get usedBytes(): number {
    let used = 0;
    for (const file of this.#names.values()) used += file.size;
    return used;
  }

  get freeBytes(): number {
    const { capacityBytes } = this;
    return capacityBytes === Infinity ? Infinity : Math.max(0, capacityBytes - this.usedBytes);
  }

  failsNow(operation: DiskOperation): boolean {
    const chance = this.failing.get(operation);
    return chance !== undefined && this.random() < chance;
  }

  holderOf(path: string): LockHolder | undefined {
    return this.#locks.get(path);
  }

  lock(path: string, holder: LockHolder): void {
    this.#locks.set(path, holder);
  }

  unlock(path: string, holder: LockHolder): void {
    if (this.#locks.get(path) === holder) this.#locks.delete(path);
  }

  unlockAll(holder: LockHolder): void {
    for (const [path, other] of this.#locks) if (other === holder) this.#locks.delete(path);
  }
}

export function directoryOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash <= 0 ? "/" : path.slice(0, slash);
}
