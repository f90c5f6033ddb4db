import type { KvStore } from "../kv/index.js";
import type { Clock, FileSystem, Random } from "../platform/index.js";
import type {
  AppendLogSnapshotOptions,
  HealingOptions,
  LogRepair,
  SnapshotStore,
} from "../store/index.js";
import type { WatchCursor } from "../values/index.js";
import type { BatchOptions, HeldOptions, RetryOptions, WatchEvent } from "../watch/index.js";
import type { ExpiryMode } from "./expiry.js";
import type { ReplicaState } from "./states.js";

/** What {@link openReplica} is given: which bucket to copy, and where to. */
export interface ReplicaOptions
  extends
    Pick<HealingOptions, "onCorruption" | "keepCorrupt">,
    Pick<AppendLogSnapshotOptions, "durability" | "format" | "maxMemoryBytes"> {
  /** The bucket to keep a copy of. It stays the caller's to close, after the replica. */
  readonly source: KvStore;
  /**
   * A directory of the replica's own, made where missing. It holds the log `copy.snap`; `seen.json`, with what was last seen of
   * the bucket's limits and clock; beside a log of format 2 also `replica.json`, which says what the log's position belongs to.
   */
  readonly path: string;
  /** Prefixes of the keys to follow, as plain text. Default: every key; an empty list: none. */
  readonly scope?: readonly string[];
  /** What becomes of entries that the bucket drops by itself, of age or for want of room. Default `mirror`. */
  readonly expiry?: ExpiryMode;
  /**
   * What becomes of a copy in `path` that is of a bucket of another name: `replace` makes it one of this bucket, `throw` leaves it
   * alone, and the open throws `invalid-argument`. Default `replace`.
   */
  readonly onForeignCopy?: "replace" | "throw";
  /** Milliseconds between two counts of the bucket's keys against the copy's. Default 60,000; see `watchApplied`. */
  readonly countIntervalMs?: number;
  /** Milliseconds after which the copy is audited though nothing gave cause. Default 86,400,000, a day; `Infinity`: never. See `watchApplied`. */
  readonly auditIntervalMs?: number;
  /** Least number of dead bytes in the log that a compaction must win. Default: the store's (10 MiB). */
  readonly compactThreshold?: number;
  /** As of `watchApplied`, but that `maxUpdates` is 256 where it is left out. */
  readonly batch?: BatchOptions;
  readonly retry?: RetryOptions;
  readonly held?: HeldOptions;
  /**
   * Whether a mistake in the set-up at the first contact (`bucket-not-found`, `authorization`, `tls-failed`, `server-too-old`, `invalid-key`,
   * `invalid-argument`) stops the replica: its state is `failed`, `ready` rejects, reads go on from the disk. Default false: it is
   * told (`retrying`, `status().lastError`) and retried: every second for half a minute, then ever more calmly, up to
   * half a minute apart.
   */
  readonly failFast?: boolean;
  /** Called in order and synchronously; must not throw. */
  readonly onEvent?: (event: ReplicaEvent) => void;
  /** Closes the replica. */
  readonly signal?: AbortSignal;
  /** Default: the machine's own. */
  readonly fs?: FileSystem;
  /** For batches, retries and dates. Default: the machine's own. */
  readonly clock?: Clock;
  /** Spreads retries; salts files and seeds the index in memory. Default: the machine's own. */
  readonly random?: Random;
  /** Opens the durable copy whose log is at `path`. Default: `AppendLogSnapshot`. */
  readonly openStore?: (path: string) => Promise<SnapshotStore>;
}

/** What a replica tells: the watch's own events but `watching` and `caught-up`, and these. */
export type ReplicaEvent =
  | Exclude<WatchEvent, { readonly type: "watching" | "caught-up" }>
  | {
      readonly type: "state";
      readonly state: ReplicaState;
      readonly previous: ReplicaState;
    }
  /** The log was damaged: what is good before that was kept, the damaged file set aside. The watch makes up for the rest. */
  | { readonly type: "log-repaired"; readonly repair: LogRepair }
  /** Caught up with the bucket for the first time since it was opened. */
  | ({ readonly type: "ready" } & ReadyReport);

/** How a replica came to be level with its bucket. */
export interface ReadyReport {
  /** Position of what has been applied. */
  readonly cursor: WatchCursor;
  /** Keys that have a value. */
  readonly size: number;
  /** Whether only what came after the kept position had to be fetched. */
  readonly resumed: boolean;
  /** Updates fetched. After a resume: how many had been missed. */
  readonly received: number;
}
