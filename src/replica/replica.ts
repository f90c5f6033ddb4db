import type { ErrorCode, MillpondError } from "../errors/index.js";
import type { LogRepair } from "../store/index.js";
import type { KvEntry, VersionToken, WatchCursor } from "../values/index.js";
import type { AuditReport } from "../watch/index.js";
import type { ChangeBatch, ChangesOptions } from "./changes.js";
import type { ReplicaState } from "./states.js";
import type { ReplicaCounters } from "./tally.js";

/** An entry of the copy. Its `value` is the caller's own. */
export interface ReplicaEntry extends KvEntry {
  /** The version as a number, where the backend numbers its versions (NATS does). */
  readonly revision: bigint | undefined;
}

/** How old an answer may be. */
export interface StalenessOptions {
  /**
   * Throws `stale` where the copy is not proven current up to this many milliseconds ago or less ({@link ReplicaStatus.asOf}). At least 0; a
   * `live` copy is proven anew about once a second. Default: what there is, however old.
   */
  readonly maxStalenessMs?: number;
}

/** A local copy of a bucket, as a service reads it. Reads are synchronous and never wait for the network or the disk. */
export interface Replica extends AsyncDisposable {
  /**
   * Resolves once the copy has caught up with the bucket since it was opened; an empty bucket is caught up with too. With
   * `maxStalenessMs`: as soon as the copy is proven current up to no longer ago than that, at once where the copy on the disk is
   * ({@link ReplicaStatus.asOf}). Rejects with what stopped the replica before then, with `closed` when it is closed first, with
   * `invalid-argument`, or with the signal's reason.
   */
  ready(options?: StalenessOptions & { readonly signal?: AbortSignal }): Promise<void>;
  /** The key's value, the caller's own; `undefined` where there is none. Throws `closed` after {@link Replica.close}, and `stale`. */
  get(key: string, options?: StalenessOptions): Uint8Array | undefined;
  /** As {@link Replica.get}, with the version. */
  entry(key: string, options?: StalenessOptions): ReplicaEntry | undefined;
  /**
   * Entries whose keys start with `prefix` (default: all), ascending by the UTF-8 bytes of the key. Read in one go, they are the
   * state at one position; a caller that waits in between may or may not see what changes meanwhile.
   */
  entries(prefix?: string, options?: StalenessOptions): Iterable<ReplicaEntry>;
  /** Number of keys that have a value. Those that are over but not removed yet count too, for some seconds ({@link ExpiryMode}). */
  readonly size: number;
  /**
   * What changes in the copy from this call on, each batch once it can be read. Begin, then read the entries: nothing is missed in
   * between. One iteration; ends without an error when the replica is closed, and with what stopped the replica. Whoever takes
   * changes more slowly than they come gets `missed` instead of what waited, and reads the entries again. Throws
   * `invalid-argument`, and `closed`.
   */
  changes(options?: ChangesOptions): AsyncIterableIterator<ChangeBatch>;
  /**
   * Resolves once what was written by this revision, or something newer of its key, can be read here: read your own writes. That is
   * when the copy has been level with the bucket at the revision or past it; for a key out of scope it may take three seconds on an idle
   * bucket. A number says nothing of which making of a bucket it is of: where one may have been made again, wait for `live` first.
   * Rejects as {@link Replica.ready} does.
   */
  waitFor(
    revision: bigint | VersionToken,
    options?: { readonly signal?: AbortSignal },
  ): Promise<void>;
  /**
   * Compares the copy with the bucket, key by key and version by version, without fetching values; mends what differs, and says
   * what it was. Waits until the copy has caught up. Throws what the source throws, `closed`, and the signal's reason.
   */
  audit(options?: { readonly signal?: AbortSignal }): Promise<AuditReport>;
  status(): ReplicaStatus;
  /** Flushes what was received, gives up the watch, the log and its lock. Idempotent. */
  close(): Promise<void>;
}

/** A replica at one moment: how far it has come, and how it stands with its bucket and its disk. */
export interface ReplicaStatus {
  /** The one that the last `state` event told. `live` only while the source is connected. */
  readonly state: ReplicaState;
  /** Everything up to here has been applied and is in the log. None while a repair is under way. */
  readonly cursor: WatchCursor;
  /** The newest position that the bucket is known to have, also of keys out of scope; none before it was heard of. */
  readonly head: WatchCursor;
  readonly lag: {
    /** How far what can be read is behind `head`; `undefined` where either is unknown. Not all of them need be in scope. */
    readonly sequences: bigint | undefined;
    /** Updates known to come. */
    readonly pending: number;
  };
  /**
   * The copy is what the bucket was at this moment, or newer: milliseconds since the Unix epoch, by this machine's clock. While `live` it
   * moves about once a second, also where nothing changes; it stands still while the bucket cannot be followed. After a start it is
   * when the copy was last level, which is kept every ten seconds and by `close`. `undefined`: it never was, or nothing says so.
   */
  readonly asOf: number | undefined;
  readonly size: number;
  /** Whether the source can be reached, as far as it knows. */
  readonly connected: boolean;
  /** Whether this process went on from the kept position. False until the first watch is set up. */
  readonly resumed: boolean;
  /** Updates applied since the replica was opened. */
  readonly received: number;
  /** After a resume: the updates fetched until caught up. `undefined` before then, and without a resume. */
  readonly missed: number | undefined;
  /** For people: what the source cannot promise this copy, and what to do about it. `undefined`: nothing is known to be wrong. */
  readonly warning: string | undefined;
  /** The source's or the store's last failure; kept after it was mended, `undefined` where there was none. */
  readonly lastError: unknown;
  /** Its code, where it is an error of Millpond's. */
  readonly lastErrorCode: ErrorCode | undefined;
  readonly counters: ReplicaCounters;
  readonly store: ReplicaStoreHealth;
}

/** How a replica stands with its disk. */
export interface ReplicaStoreHealth {
  /** Whether the last write went through. While not, reads go on and `cursor` stands still. */
  readonly ok: boolean;
  /** Milliseconds since the Unix epoch. */
  readonly failingSince: number | undefined;
  /** What was done about a damaged log when the replica was opened; `undefined` where it was in order. */
  readonly repaired: LogRepair | undefined;
  /** Why the log could not be made smaller when that was last due: nothing is lost, but it grows. It is tried again. */
  readonly compactionError: MillpondError | undefined;
}
