import { type Clock, type Random, sleep } from "../../platform/index.js";
import { checkChance, checkFunction } from "./checks.js";
import { integerBelow } from "./random.js";

/** How long an operation takes at the most unless told otherwise, in milliseconds: so long that a process can die in the middle. */
const DEFAULT_LATENCY_MS = 10;

/** A {@link SimulatedDatabase} as one process sees it. Operations happen in the order in which they were asked for. */
export interface DatabaseSession {
  /** The key's value; `undefined` where there is none. */
  get(key: string): Promise<string | undefined>;
  /** All keys that start with `prefix` (default: all) with their values, in no order. */
  entries(prefix?: string): Promise<(readonly [key: string, value: string])[]>;
  set(key: string, value: string): Promise<void>;
  delete(key: string): Promise<void>;
  /** Sets, and where the value is `undefined` deletes, all of these as one. */
  write(changes: Iterable<readonly [key: string, value: string | undefined]>): Promise<void>;
}

/**
 * A small database at the other end of a line, which outlives the processes that use it. An operation takes time, and may fail once told
 * to: with an error whose `code` is `ECONNRESET`, as from a line that broke, where nobody knows whether what was asked for has been done.
 */
export class SimulatedDatabase {
  readonly #random: Random;
  readonly #rows = new Map<string, string>();
  #latencyMs: () => number;
  #failing = 0;

  /** `random`: which operations fail, and whether they were done all the same. */
  constructor(random: Random) {
    this.#random = random;
    this.#latencyMs = () => 1 + integerBelow(random, DEFAULT_LATENCY_MS);
  }

  /** A function that gives how long an operation takes, in milliseconds, asked for each. Default: 1 to 10. Else `invalid-argument`. */
  set latencyMs(latency: () => number) {
    checkFunction("latencyMs", latency);
    this.#latencyMs = latency;
  }

  /** From now on operations fail, each with this chance (default 1). 0: none does. Throws `invalid-argument` for a chance outside 0 to 1. */
  fail(chance = 1): void {
    checkChance("the chance", chance);
    this.#failing = chance;
  }

  /** What is in it. */
  get rows(): ReadonlyMap<string, string> {
    return this.#rows;
  }

  /**
   * A session of a process whose time is `clock`. Once that stands still, because the process has died, nothing that the process asked for is
   * answered any more; whether it was done is open. After `signal` is aborted what is not answered yet rejects with its reason.
   */
  connect(clock: Clock, signal?: AbortSignal): DatabaseSession {
    let last: Promise<unknown> = Promise.resolve();
    const inTurn = <T>(work: () => T): Promise<T> => {
      const turn = last.then(() => this.#operate(clock, signal, work));
      last = turn.catch(() => undefined);
      return turn;
    };
    const write = (changes: Iterable<readonly [string, string | undefined]>): Promise<void> => {
      const own = [...changes];
      return inTurn(() => this.#write(own));
    };
    return {
      get: (key) => inTurn(() => this.#rows.get(key)),
      entries: (prefix = "") =>
        inTurn(() => [...this.#rows].filter(([key]) => key.startsWith(prefix))),
      set: (key, value) => write([[key, value]]),
      delete: (key) => write([[key, undefined]]),
      write,
    };
  }

  /** Done at the beginning of the time that it takes, or at its end. */
  async #operate<T>(clock: Clock, signal: AbortSignal | undefined, work: () => T): Promise<T> {
    const isEarly = this.#random() < 1 / 2;
    const fails = this.#random() < this.#failing;
    const isDone = !fails || this.#random() < 1 / 2;
    let result = isEarly && isDone ? { value: work() } : undefined;
    await sleep(clock, this.#latencyMs(), signal);
    if (isDone) result ??= { value: work() };
    if (fails || result === undefined) {
      throw Object.assign(new Error("the database's line broke (simulated)"), {
        code: "ECONNRESET",
      });
    }
    return result.value;
  }

  #write(changes: readonly (readonly [string, string | undefined])[]): void {
    for (const [key, value] of changes) {
      if (value === undefined) this.#rows.delete(key);
      else this.#rows.set(key, value);
    }
  }
}
