import type { FileOwner, FileStat, Random } from "../../platform/index.js";
import { integerBelow } from "./random.js";

/** What a disk writes whole or not at all. */
const SECTOR_BYTES = 512;
/** Changes that wait for a sync at most; then the oldest half is written back, as a system does after a while. */
const UNSYNCED_MAX = 512;
/** How many of the changes that were not synced a power loss leaves: none, most or all of them, or any. */
const SURVIVING = [0, 0.3, 0.7, 0.95, 1] as const;
const ATTEMPTS_TO_FLIP = 8;

/** A write, or a cut to a length. `serial`: ascending. `isDoomed`: a failed sync has given it up. */
interface Change {
  readonly serial: number;
  readonly at: number;
  /** `undefined`: the file was cut, or grown, to `at`. */
  readonly source: Uint8Array | undefined;
  isDoomed: boolean;
}

/** Bytes that grow. What lies beyond the length is 0. */
class Content {
  bytes: Uint8Array = new Uint8Array(0);
  length = 0;

  write(source: Uint8Array, at: number): void {
    const end = at + source.length;
    if (end > this.bytes.length) {
      const grown = new Uint8Array(Math.max(end, 2 * this.bytes.length, SECTOR_BYTES));
      grown.set(this.bytes);
      this.bytes = grown;
    }
    this.bytes.set(source, at);
    this.length = Math.max(this.length, end);
  }

  resize(length: number): void {
    if (length > this.length) this.write(new Uint8Array(length - this.length), this.length);
    else this.bytes.fill(0, length, this.length);
    this.length = length;
  }

  copy(other: Content): void {
    this.bytes = other.bytes.slice(0, other.length);
    this.length = other.length;
  }
}

/**
 * One file: what programs see of it (the page cache) and what the disk has. Changes come to the disk with a sync; of those that were not
 * synced a power loss leaves any sectors, in any order, and a hole of zeros where a later one is there and an earlier one is not.
 */
export class SimulatedFile {
  readonly number: number;
  permissions: number;
  owner: FileOwner = { user: 0, group: 0 };
  modifiedMs = 0;
  readonly #seen = new Content();
  readonly #onDisk = new Content();
  #changes: Change[] = [];
  #made = 0;
  #writes = 0;
  #lastWriteAt = 0;

  constructor(number: number, permissions: number) {
    this.number = number;
    this.permissions = permissions;
  }

  get size(): number {
    return this.#seen.length;
  }

  /** What programs see, not a copy. */
  get content(): Uint8Array {
    return this.#seen.bytes.subarray(0, this.#seen.length);
  }

  read(target: Uint8Array, position: number): number {
    const from = Math.min(position, this.#seen.length);
    const part = this.#seen.bytes.subarray(from, Math.min(from + target.length, this.#seen.length));
    target.set(part);
    return part.length;
  }

  write(source: Uint8Array, at: number): void {
    this.#seen.write(source, at);
    this.#lastWriteAt = at;
    // Not `slice`: of a Buffer that is a view.
    this.#note(at, new Uint8Array(source));
  }

  resize(length: number): void {
    this.#seen.resize(length);
    this.#note(length, undefined);
  }

  /** Where the last write began. */
  get lastWriteAt(): number {
    return this.#lastWriteAt;
  }

  /** The change that was made last: a sync that begins now is for all up to it. */
  get lastChange(): number {
    return this.#made;
  }

  /** Whether everything has come to the disk. */
  get isClean(): boolean {
    return this.#changes.length === 0;
  }

  /** Brings the changes up to `serial` to the disk, but for those that a failed sync has given up. */
  sync(serial: number): void {
    const isDue = (change: Change): boolean => change.serial <= serial;
    for (const change of this.#changes) {
      if (isDue(change) && !change.isDoomed) apply(this.#onDisk, change);
    }
    this.#changes = this.#changes.filter((change) => !isDue(change));
  }

  /** A sync that fails: the system forgets that some pages are to be written, and no later sync brings them to the disk. */
  failSync(random: Random): void {
    for (const change of this.#changes) change.isDoomed ||= random() < 1 / 2;
  }

  losePower(random: Random): void {
    const chance = SURVIVING[integerBelow(random, SURVIVING.length)] ?? 0;
    for (const change of this.#changes) applySectors(this.#onDisk, change, random, chance);
    // The new length may have come to the disk before what is in it.
    const isLonger = this.#seen.length > this.#onDisk.length;
    if (isLonger && chance > 0 && random() < chance / 2) this.#onDisk.resize(this.#seen.length);
    this.#changes = [];
    this.#seen.copy(this.#onDisk);
    this.#writes += 1;
  }

  /** One bit of what is on the disk goes bad, unnoticed. Gives its byte's offset; `undefined` where nothing is there. */
  rot(random: Random): number | undefined {
    for (let attempt = 0; attempt < ATTEMPTS_TO_FLIP; attempt += 1) {
      const length = Math.min(this.#seen.length, this.#onDisk.length);
      const offset = integerBelow(random, length);
      const byte = this.#onDisk.bytes[offset];
      if (length === 0 || byte === undefined || byte !== this.#seen.bytes[offset]) continue;
      const bad = byte ^ (1 << integerBelow(random, 8));
      this.#onDisk.bytes[offset] = bad;
      this.#seen.bytes[offset] = bad;
      return offset;
    }
    return undefined;
  }

  stat(names: number): FileStat {
    return {
      size: this.#seen.length,
      permissions: this.permissions,
      kind: "file",
      owner: this.owner,
      names,
      fileId: `${this.number}`,
      writeMark: `${this.#writes}:${this.#seen.length}`,
      modifiedMs: this.modifiedMs,
    };
  }

  #note(at: number, source: Uint8Array | undefined): void {
    this.#made += 1;
    this.#writes += 1;
    this.#changes.push({ serial: this.#made, at, source, isDoomed: false });
    if (this.#changes.length <= UNSYNCED_MAX) return;
    this.sync(this.#changes[UNSYNCED_MAX >>> 1]?.serial ?? 0);
  }
}

function apply(content: Content, { at, source }: Change): void {
  if (source === undefined) content.resize(at);
  else content.write(source, at);
}

/** Each sector of the change with this chance. */
function applySectors(content: Content, change: Change, random: Random, chance: number): void {
  const { at, source } = change;
  if (source === undefined) {
    if (random() < chance) content.resize(at);
    return;
  }
  for (let from = 0; from < source.length;) {
    const toBoundary = SECTOR_BYTES - ((at + from) % SECTOR_BYTES);
    const part = source.subarray(from, from + toBoundary);
    if (random() < chance) content.write(part, at + from);
    from += part.length;
  }
}
