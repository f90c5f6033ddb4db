import type { BucketConfig, KvStore } from "../../kv/index.js";
import type { Clock, FileSystem, Random } from "../../platform/index.js";
import type { DatabaseSession } from "../simulation/simulated-database.js";

/** Everything that can go wrong on a bad day, by kind. */
export const badDayFaults = [
  // The bucket, by an operator.
  "evict",
  "purge-keys",
  "purge-markers",
  "delete-message",
  "recreate",
  "roll-back",
  // The line to it.
  "cut",
  "stall",
  "slow-line",
  // The process.
  "crash",
  "restart",
  "power-loss",
  // Its disk.
  "disk-full",
  "disk-failure",
  "slow-disk",
  "bit-rot",
  // Its database.
  "database-failure",
  "slow-database",
] as const;

/**
 * One kind of fault.
 *
 * - `evict`: the bucket drops its oldest records; `purge-keys`: all records of keys with a prefix; `delete-message`: one record;
 *   `purge-markers`: what says that keys were removed. No watch is told of any of these.
 * - `recreate`: the bucket is deleted and made again, at once or after a while; `roll-back`: it is what it was some time ago.
 * - `cut`: the line is lost; `stall`: it swallows everything, and in every other case is found dead after 2.5 s; `slow-line`.
 * - `crash`: the process is gone from one moment to the next, and started again after a while; `power-loss`: so is its machine, and
 *   what was not synced to the disk; `restart`: it is asked to end.
 * - `disk-full`, `disk-failure` (reads, writes, syncs or renames fail), `slow-disk`, `bit-rot` (one bit of one file).
 * - `database-failure`: operations fail, some of which were done; `slow-database`.
 */
export type BadDayFault = (typeof badDayFaults)[number];

/** What a process is given to live on. After its death none of it does anything any more. */
export interface BadDayProcess {
  /** The bucket, at the other end of a line of its own. */
  readonly source: KvStore;
  /** The machine's disk: what survives a crash. Paths are absolute, such as `/data/routes.snap`. */
  readonly fs: FileSystem;
  /** A database elsewhere: it survives a power loss too. Empty when the day begins. */
  readonly database: DatabaseSession;
  /** Virtual time. Nothing else that takes time is waited for: no `setTimeout`, no file or socket of this process. */
  readonly clock: Clock;
  /** Another sequence for each process. */
  readonly random: Random;
  /** Aborted when the process is to end in good order; a crash tells nobody. */
  readonly signal: AbortSignal;
  /** Resolves after so many milliseconds of virtual time. */
  sleep(ms: number): Promise<void>;
}

/** A key and what a consumer has of it: a pair, or an entry. Bytes and text are compared as bytes, anything else by its structure. */
export type StateEntry =
  readonly [key: string, value: unknown] | { readonly key: string; readonly value: unknown };

/** A consumer that has been started. */
export interface RunningConsumer {
  /** What it has made of the bucket by now: a `Map`, a replica's `entries()`, …. Asked only while no fault is on. */
  state(): Iterable<StateEntry> | Promise<Iterable<StateEntry>>;
  /**
   * Settles when it has ended, as the promise of `watchApplied` does. Where that was not asked for, its process has died and is started again
   * a second later, as a supervisor would. Left out: it ends only by `close`.
   */
  readonly done?: Promise<unknown>;
  /** Called after `signal` was aborted, for an end in good order. Has 10 s. */
  close?(): Promise<void>;
}

/** What `simulateBadDay` is given. Durations are milliseconds of virtual time. */
export interface BadDayOptions {
  /**
   * Starts the consumer in a new process, which has nothing but what it is given here: what is to survive a crash has to be in `fs` or
   * `database`. A throw is a process that did not come up: it is started again after a second.
   */
  readonly start: (process: BadDayProcess) => RunningConsumer | Promise<RunningConsumer>;
  /** What the state must be once the faults have ended, given what the bucket has (values as text). Default: the same. */
  readonly expected?: (bucket: ReadonlyMap<string, string>) => Iterable<StateEntry>;
  /** The same seed is the same day. Default: another one each time, which the report and the error name. */
  readonly seed?: number;
  /** Default: all of them ({@link badDayFaults}) but `bit-rot`, after which a file may need a person: what is no log any more is left alone. */
  readonly faults?: readonly BadDayFault[];
  /** How long things go wrong, in rounds of 30,000 after each of which the state is looked at. 1000 to 86,400,000; default 600,000. */
  readonly durationMs?: number;
  /** The keys that are written, or how many of them the kit makes up. 1 to 10,000; default 40. */
  readonly keys?: number | readonly string[];
  /** The value of the write of this number. Default: `v` and the number. */
  readonly value?: (key: string, serial: number) => string;
  /** Writes of each second on the average, removals included. Above 0, up to 1000; default 5. */
  readonly updatesPerSecond?: number;
  /** How the bucket is made. Default: a record per key, kept for ever. */
  readonly bucket?: BucketConfig;
  /**
   * How long after the end of a round's faults the state may take to be right: 1 to 86,400,000. Default 180,000, two of the counts of keys that
   * `countIntervalMs` spaces by default.
   */
  readonly convergeMs?: number;
  /** How often at most a day that went wrong is run again with fewer faults, to find those that it takes. 0 to 10,000; default 60. */
  readonly maxReruns?: number;
}

/** What happened on a day that went well. */
export interface BadDayReport {
  readonly seed: number;
  /** Milliseconds of virtual time, the waits for the state included. */
  readonly virtualMs: number;
  /** How often the state was found to be right after faults. */
  readonly rounds: number;
  /** Writes to the bucket that went through. */
  readonly updates: number;
  /** Processes that were started. */
  readonly starts: number;
  /** How often each fault came to be. */
  readonly faults: Readonly<Partial<Record<BadDayFault, number>>>;
  /** All that happened, a line each with its virtual time. The same for the same seed. */
  readonly story: readonly string[];
}

/** A key of which the consumer has something else than it should; `undefined`: nothing. */
export interface StateDifference {
  readonly key: string;
  readonly expected: unknown;
  readonly actual: unknown;
}
