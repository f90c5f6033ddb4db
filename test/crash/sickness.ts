import type { Random } from "../../src/platform/index.js";
import type { DiskFault, Meddler } from "../support/meddling-file-system.js";
import { systemError, type Operation } from "../support/memory-file-system.js";
import { integerBelow } from "../support/seed.js";

/** What can be wrong with a disk: which operations, how they fail, and how often. */
interface Illness {
  readonly name: string;
  readonly code: string;
  readonly operations: ReadonlySet<Operation["name"]>;
  /** Of failures, the share of those that happen all the same. */
  readonly takesEffect: number;
}

const WRITES = ["write", "writeSync"] as const;
const SYNCS = ["sync", "syncDirectory"] as const;
const STATS = ["stat", "statSync"] as const;
const NAMES = ["open", "link", "remove", "list", "realPath", "makeDirectory"] as const;

const ANYTHING = [
  ...WRITES,
  ...SYNCS,
  ...STATS,
  ...NAMES,
  ...(["truncateSync", "rename", "read", "setPermissions"] as const),
];

/** All but the lock, which is no matter of the disk's. */
const illnesses: readonly Illness[] = [
  illness("full", "ENOSPC", WRITES),
  illness("no further file", "ENOSPC", [...WRITES, "open"]),
  illness("unwritable", "EIO", [...WRITES, "truncateSync"]),
  illness("unsyncable", "EIO", SYNCS, 0.5),
  illness("no rename", "EIO", ["rename"]),
  illness("no rename, it says", "EIO", ["rename"], 1),
  illness("no open", "EMFILE", ["open"]),
  illness("no look", "EIO", STATS),
  illness("no names", "EACCES", ["rename", ...NAMES]),
  illness("anything", "EIO", ANYTHING),
];

function illness(
  name: string,
  code: string,
  operations: readonly Operation["name"][],
  takesEffect = 0,
): Illness {
  return { name, code, operations: new Set(operations), takesEffect };
}

/** The share of the operations of an illness that fail, and the longest that a slow one is held up. */
const SHARES = [1, 1, 0.5, 0.1];
const SLOW_MS = 15;
const SLOW_SHARE = 0.3;

/** A disk that falls ill and gets well again, and is slow now and then. */
export class Sickness implements Meddler {
  readonly #random: Random;
  #illness: Illness | undefined;
  #share = 0;
  #isSlow = false;
  #faults = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Operations that failed since it fell ill. */
  get faults(): number {
    return this.#faults;
  }

  /** Returns the name of what it has from now on. */
  fallIll(): string {
    const random = this.#random;
    this.#illness = illnesses[integerBelow(random, illnesses.length)];
    this.#share = SHARES[integerBelow(random, SHARES.length)] ?? 1;
    this.#isSlow = random() < SLOW_SHARE;
    this.#faults = 0;
    return `${this.#illness?.name}${this.#isSlow ? ", slow" : ""}`;
  }

  getWell(): void {
    this.#illness = undefined;
    this.#isSlow = false;
  }

  pauseMs(): number {
    return this.#isSlow ? this.#random() * SLOW_MS : 0;
  }

  before({ name, bytes = 0 }: Operation): DiskFault | undefined {
    if (this.#illness?.operations.has(name) !== true) return undefined;
    if (this.#random() >= this.#share) return undefined;
    this.#faults += 1;
    const { code, takesEffect } = this.#illness;
    return {
      error: systemError(code),
      partialBytes: integerBelow(this.#random, bytes + 1),
      // A file that was opened all the same would never be closed.
      takesEffect: name !== "open" && this.#random() < takesEffect,
    };
  }

  during(): void {}

  after(): void {}
}
