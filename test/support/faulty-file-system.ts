import type { Random } from "../../src/platform/index.js";
import { LaggingFileSystem } from "./lagging-file-system.js";
import { systemError, type Operation } from "./memory-file-system.js";

export interface FaultPlan {
  /** The operation that fails, counted from 1. */
  readonly at: number;
  /** The operating system's code, e.g. `ENOSPC`. */
  readonly code: string;
  /** Whether everything after it that changes the disk fails too. */
  readonly lasting: boolean;
  /** The share of a failing write that gets through, 0 to 1. */
  readonly partial: number;
}

/** A disk in memory that fails by plan, and tells how many operations there were. */
export class FaultyFileSystem extends LaggingFileSystem {
  readonly #plan: FaultPlan | undefined;
  #operations = 0;
  #struck = false;

  /** Without `random` nothing lags. */
  constructor(plan?: FaultPlan, random: Random = () => 0) {
    super(random);
    this.#plan = plan;
    this.setHook((operation) => {
      this.#operations += 1;
      if (plan === undefined || !this.#fails(operation)) return undefined;
      this.#struck = true;
      const partialBytes = Math.floor((operation.bytes ?? 0) * plan.partial);
      return { error: systemError(plan.code), partialBytes };
    });
  }

  /** Operations asked for so far. */
  get operations(): number {
    return this.#operations;
  }

  /** Whether a fault has happened. */
  get struck(): boolean {
    return this.#struck;
  }

  #fails(operation: Operation): boolean {
    const at = this.#plan?.at ?? Infinity;
    if (this.#operations === at) return true;
    return this.#plan?.lasting === true && this.#operations > at && CHANGES.has(operation.name);
  }
}

const CHANGES = new Set<Operation["name"]>([
  "open",
  "rename",
  "writeSync",
  "write",
  "truncateSync",
  "setPermissions",
  "sync",
  "syncDirectory",
]);
