import type { KvEntry, RemovalReason, VersionToken, WatchCursor } from "../values/index.js";
import type { WatchScope } from "./scope.js";
import type { KvWatcher } from "./watch.js";

/** The last record of a key, also where that is a removal: what a compare-and-set needs to know. */
export interface KvRecord extends KvEntry {
  /** `put`, or how the key was removed; a removal's `value` is empty. */
  readonly kind: "put" | "delete" | "purge";
  /** Of a removal: why. */
  readonly reason?: RemovalReason;
}

/** Reads of a bucket, each answered by its backend. */
export interface KvReader {
  /** The key's value; `undefined` where there is none, also after a removal. */
  get(key: string): Promise<KvEntry | undefined>;
  /** The key's last record, removals included; `undefined` where the bucket holds no record of it. */
  entry(key: string): Promise<KvRecord | undefined>;
  /** Keys that have a value and start with `prefix` (default: all), in no order, without fetching the values. */
  keys(prefix?: string): AsyncIterable<string>;
  /** Entries whose keys start with `prefix` (default: all), in no order, by one consumer. */
  scan(prefix?: string): AsyncIterable<KvEntry>;
}

/** The last record of a key, without its value. */
export interface KvRecordHead extends Omit<KvRecord, "value"> {
  /** `timeMs` to the nanosecond, as `WatchBatch.cursorTimeNs` tells it; left out where the source does not say. */
  readonly timeNs?: bigint;
}

/** What it takes to compare a copy with a bucket. Removals are records too. Each is answered by the backend, with no values. */
export interface KvAuditor {
  /**
   * The last record of every key in scope, in no order. As the bucket is while the listing runs: a key that changes under it can
   * come twice, the newer record later. All of them or a throw.
   */
  records(scope: WatchScope): AsyncIterable<KvRecordHead>;
  /**
   * How many keys in scope the bucket holds a record of, at one moment. Where prefixes do not end in a dot that may take a
   * listing, and a key that changes under it may count twice.
   */
  countRecords(scope: WatchScope): Promise<number>;
  /** The record at this position, of whatever key; `undefined` where the bucket has none there any more. */
  recordAt(position: WatchCursor): Promise<KvRecordHead | undefined>;
}

/** How a value is put. */
export interface PutOptions {
  /**
   * The value expires after this many milliseconds (whole seconds, at least one). Needs a bucket that allows it
   * ({@link BucketConfig.markerTtlMs}) on a server that can (NATS: 2.11); else `operation-failed`.
   */
  readonly ttlMs?: number;
}

/** Each write gives the version it made. Keys are checked ({@link checkKey}): `invalid-key`. */
export interface KvWriter {
  put(key: string, value: Uint8Array, options?: PutOptions): Promise<VersionToken>;
  /** Writes only where the key has no value (a removed key counts as none), else `already-exists`. */
  create(key: string, value: Uint8Array, options?: PutOptions): Promise<VersionToken>;
  /** Writes only where the key's last record has this version, else `revision-mismatch`. */
  update(key: string, value: Uint8Array, expected: VersionToken): Promise<VersionToken>;
  /** Writes a delete marker, also where the key has no value. */
  delete(key: string): Promise<VersionToken>;
  /** Writes a delete marker only where the key's last record has this version, else `revision-mismatch`. */
  deleteWithVersion(key: string, expected: VersionToken): Promise<VersionToken>;
  /** Writes a purge marker and drops the key's history, which reclaims its bytes. */
  purge(key: string): Promise<VersionToken>;
}

/** How a bucket is made. What is left out takes the default named here. */
export interface BucketConfig {
  /** Default `file`. */
  readonly storage?: "file" | "memory";
  /** Records kept per key, 1 to 64. Default 1. */
  readonly history?: number;
  /** Records older than this are dropped. Default: kept for ever. */
  readonly maxAgeMs?: number;
  /** Size limit of the bucket. Default 10 MiB, because some hosted servers refuse a bucket without one. */
  readonly maxBytes?: number;
  /** Copies in a cluster, 1 to 5. Default 1. */
  readonly replicas?: number;
  /** A full bucket refuses writes (`new`, the default: configuration) or drops its oldest records (`old`: logs). */
  readonly discard?: "new" | "old";
  /**
   * Allows values with a time to live, and keeps the markers that expiry leaves for this long (at least 1000). NATS: 2.11.
   * Default: not allowed.
   */
  readonly markerTtlMs?: number;
}

/** A bucket as its backend describes it at one moment. */
export interface BucketInfo {
  readonly name: string;
  /** When the bucket was made, as the backend writes it. A bucket deleted and made again has another. */
  readonly created: string;
  /** Sequence of the oldest record that is kept; `lastSequence + 1` where none is. */
  readonly firstSequence: bigint;
  /** Sequence of the newest record ever written; 0 before the first. */
  readonly lastSequence: bigint;
  /** Records kept, markers and history included. */
  readonly records: number;
  /** What they take at the backend. */
  readonly bytes: number;
  readonly limits: BucketLimits;
  /** The backend's clock when it answered, in ms since 1970. */
  readonly serverTimeMs: number;
}

/** By what a bucket forgets records without being told to. */
export interface BucketLimits {
  /** Records older than this go; `undefined`: none does. */
  readonly maxAgeMs: number | undefined;
  /** Whether a record's own time to live counts. */
  readonly allowsTtl: boolean;
  /** How long the markers are kept that the backend writes where a time to live or a limit removed a key; `undefined`: it writes none. */
  readonly markerTtlMs: number | undefined;
  /** Whether the oldest records make room for new ones when the bucket is full. */
  readonly discardsOld: boolean;
}

/** One bucket. */
export interface KvStore extends KvReader, KvWriter, KvWatcher, KvAuditor {
  readonly name: string;
  /** Whether the backend can be reached at this moment, as far as is known. */
  readonly connected: boolean;
  /** Calls `listener`, synchronously, each time that `connected` has changed; the function returned ends that. */
  onConnectedChange(listener: () => void): () => void;
  /** Throws `bucket-not-found` where there is no such bucket. */
  info(): Promise<BucketInfo>;
}

/** What a backend can do, so that a caller need not know which it talks to. */
export interface ConnectionCapabilities {
  readonly streamingWatch: boolean;
  readonly prefixWatch: boolean;
  readonly ttl: boolean;
  readonly purge: boolean;
  readonly cas: boolean;
  readonly transactions: boolean;
  /** Largest value, in bytes. */
  readonly maxValueBytes: number;
  /** Whether versions order the updates of all keys, not only those of one. */
  readonly globalOrdering: boolean;
}

/** A connection to one backend, from which all its buckets are had. */
export interface Connection extends AsyncDisposable {
  readonly capabilities: ConnectionCapabilities;
  readonly connected: boolean;
  /** The bucket of this name. Asks nothing of the server: a missing bucket shows at the first operation. */
  bucket(name: string): KvStore;
  /** Makes the bucket, or opens the one that is there; `config` counts only where it is made. */
  createBucket(name: string, config?: BucketConfig): Promise<KvStore>;
  /** Idempotent. Later calls on its buckets throw `not-connected`. */
  close(): Promise<void>;
}
