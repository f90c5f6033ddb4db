import type { MillpondError } from "../errors/index.js";
import type { LogRepair } from "../store/index.js";
import type { KvEntry, WatchCursor } from "../values/index.js";
import type { ReplicaState } from "./states.js";

/** An entry of the copy. Its `value` is the caller's own. */
export interface ReplicaEntry extends KvEntry {
  /** The version as a number, where the backend numbers its versions (NATS does). */
  readonly revision: bigint | undefined;
}

/** A local copy of a bucket, as a service reads it. Reads are synchronous and never wait for the network or the disk. */
export interface Replica extends AsyncDisposable {
  /**
   * Resolves once the copy has caught up with the bucket since it was opened; an empty bucket is caught up with too. Rejects
   * with what stopped the replica before then, with `closed` when it is closed first, or with the signal's reason.
   */
  ready(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** The key's value, the caller's own; `undefined` where there is none. Throws `closed` after {@link Replica.close}. */
  get(key: string): Uint8Array | undefined;
  /** As {@link Replica.get}, with the version. */
  entry(key: string): ReplicaEntry | undefined;
  /**
   * Entries whose keys start with `prefix` (default: all), ascending by the UTF-8 bytes of the key. Read in one go, they are the
   * state at one position; a caller that waits in between may or may not see what changes meanwhile.
   */
  entries(prefix?: string): Iterable<ReplicaEntry>;
  /** Number of keys that have a value. */
  readonly size: number;
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
  readonly size: number;
  /** Whether the source can be reached, as far as it knows. */
  readonly connected: boolean;
  /** Whether this process went on from the kept position. False until the first watch is set up. */
  readonly resumed: boolean;
  /** Updates applied since the replica was opened. */
  readonly received: number;
  /** After a resume: the updates fetched until caught up. `undefined` before then, and without a resume. */
  readonly missed: number | undefined;
  /** Updates known to come. */
  readonly pending: number;
  /** Repairs finished since the replica was opened. */
  readonly repairs: number;
  /**
   * When the source last said that the copy is the bucket: milliseconds since the Unix epoch. While `live` the copy is the
   * bucket all the same, but on an idle bucket this stands still: a source says nothing of what does not change.
   */
  readonly asOf: number | undefined;
  /** The source's or the store's last failure; kept after it was mended, `undefined` where there was none. */
  readonly lastError: unknown;
  readonly store: {
    /** Whether the last write went through. While not, reads go on and `cursor` stands still. */
    readonly ok: boolean;
    /** Milliseconds since the Unix epoch. */
    readonly failingSince: number | undefined;
    /** What was done about a damaged log when the replica was opened; `undefined` where it was in order. */
    readonly repaired: LogRepair | undefined;
    /** Why the log could not be made smaller when that was last due: nothing is lost, but it grows. It is tried again. */
    readonly compactionError: MillpondError | undefined;
  };
}
