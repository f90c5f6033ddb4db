import type { BucketLimits, KvAuditor, KvReader, WatchScope } from "../kv/index.js";
import type { Clock, Random } from "../platform/index.js";
import type { SnapshotStore } from "../store/snapshot-store.js";
import type { KvUpdate, WatchCursor } from "../values/index.js";
import type { StartOverReason, WatchEvent } from "./events.js";
import type { WatchSource } from "./source-link.js";

/** When a batch is closed, and how much may wait to get into one. */
export interface BatchOptions {
  /** Milliseconds from the first update (or bookmark) of a batch until it closes. 0 to 60,000; default 10. */
  readonly windowMs?: number;
  /** Most updates that `parse` let through in one batch. 1 to 100,000; default 100. */
  readonly maxUpdates?: number;
  /**
   * The source is asked for more only while fewer updates than this are queued; since it hands over up to 2000 at a time,
   * at most `queueCapacity + 1999` are. Also closes a batch that holds this many updates of which `parse` let few through
   * (never before `maxUpdates`). 1 to 1,000,000; default 256.
   */
  readonly queueCapacity?: number;
  /**
   * Bytes of keys and values that are queued before nothing more is asked for, and that close a batch. So a slow `apply` or store
   * costs at most the queue, one batch being filled, one being applied and one of the source's, or about three times this and a
   * source batch; and what is held for the store ({@link HeldOptions}). At least 1; default 16 MiB.
   */
  readonly maxBytes?: number;
}

/** Waits between attempts, for the source and for the store: between `minMs` and a ceiling that doubles up to `maxMs`. */
export interface RetryOptions {
  /** 1 to 3,600,000 milliseconds; default 100. */
  readonly minMs?: number;
  /** `minMs` to 3,600,000 milliseconds; default 5000. */
  readonly maxMs?: number;
}

/** How much may be applied ahead of a store that fails. Beyond either limit no more is taken from the queue. */
export interface HeldOptions {
  /** Default 10,000; at least 1. One batch more may be held. */
  readonly maxUpdates?: number;
  /** Bytes of keys and values. Default 64 MiB; at least 1. One batch more may be held. */
  readonly maxBytes?: number;
}

/** Which bucket, and which making of it. */
export interface BucketIdentity {
  readonly bucket: string;
  /** `BucketInfo.created` */
  readonly created: string;
}

/** What a bucket says of itself when a position is held against it; the figures as in `BucketInfo`. */
export interface BucketFacts extends BucketIdentity {
  readonly firstSequence: bigint;
  readonly records: number;
  /** Left out: not known. */
  readonly lastSequence?: bigint;
  /** By what the bucket forgets; left out: not known. */
  readonly limits?: BucketLimits;
  /** The bucket's clock, in ms since 1970; left out: this machine's. */
  readonly serverTimeMs?: number;
}

/**
 * Ties the store's position to the bucket that it was read from, for a caller that keeps both across restarts. Without it,
 * a bucket that the watch has seen gone makes it start over, but what happened between two processes goes unseen.
 */
export interface CursorOrigin {
  /** Asks the bucket. Throws as the source does. */
  read(): Promise<BucketFacts>;
  /** Why the copy must not go on after `position` in `actual`, although the source would let it; `undefined`: it may. */
  refusal(actual: BucketFacts, position: WatchCursor): StartOverReason | undefined;
  /**
   * Notes durably that positions belong to `actual` from now on. Called only while the store holds no position, and once the copy
   * holds nothing but what is `actual`'s, or will with the store's next batch. A throw counts as a failure of the store, and is retried as one.
   */
  adopt(actual: BucketIdentity): Promise<void>;
}

/** What a bucket answers for an audit. */
export type WatchAuditor = KvAuditor & Pick<KvReader, "entry">;

/** What {@link watchApplied} is given. `U`: what `parse` makes of an update. */
export interface WatchAppliedOptions<U> {
  /** Where it says so, what it tells of its connection ends a wait before the next attempt. */
  readonly source: WatchSource;
  /** Default: every key. */
  readonly scope?: WatchScope;
  /** Where to go on. Default: the store's position; with neither, the full state comes first. */
  readonly resume?: WatchCursor;
  /**
   * Takes every update, also those that `parse` turned down, and the position after them. The caller keeps ownership, and
   * closes it after the watch has ended. What a bucket drops under a live watch without a word (its oldest records, a purge) is taken from the
   * copy only where there is a store; without one an overrun of the watch ends it, and what went in silence is not noticed.
   *
   * It may be behind what `apply` did when the process died: state that outlives the process (a database) has to be made equal to
   * `store.range("")` before the watch begins. What the store never had is not taken back where the bucket was rolled back, made anew or purged
   * meanwhile.
   */
  readonly store?: SnapshotStore;
  /**
   * The keys that a repair holds against the bucket's. Without it and without `store` an expired position ends the watch with
   * `cursor-expired`. Default: those of the store that are in scope. Give it where there is
   * no store (the keys of the state that `apply` keeps), or where keys outside the scope are to be dropped as well.
   */
  readonly knownKeys?: () => Iterable<string>;
  readonly origin?: CursorOrigin;
  /**
   * Arms the counting of keys and the audits, which find what a bucket lost without a word: markers that were purged, messages
   * that were deleted, a stream that was rolled back. Needs `store`, else `invalid-argument`.
   */
  readonly auditor?: WatchAuditor;
  /**
   * What becomes of entries that the bucket's own limits (age, size, time to live) dropped: `mirror` drops them from the copy too, `retain` keeps
   * them, as a reader of a bounded log wants it. What people delete or purge goes in both. Default `mirror`.
   */
  readonly evictions?: "mirror" | "retain";
  /** Milliseconds between two counts of the keys, spread by a quarter either way. 1000 to 86,400,000; default 60,000. */
  readonly countIntervalMs?: number;
  /**
   * Milliseconds after which the whole copy is held against the bucket although no count gave cause, spread by a quarter either way: several
   * losses at once may leave the number of keys what it was. It comes with the next count after that, beside the flow, and asks the server for
   * the head of every record. 1000 to 31,622,400,000, or `Infinity` for never; default 86,400,000, a day.
   */
  readonly auditIntervalMs?: number;
  /** Turns an update into what `apply` takes; `undefined` leaves it out. A throw ends the watch with that error. */
  readonly parse: (update: KvUpdate) => U | undefined;
  /**
   * Takes a batch, in the bucket's order; never empty, never two at a time. A throw ends the watch with that error, and
   * nothing of the batch reaches the store. Goes before the store: what it did last may not have got in there, see `store`.
   */
  readonly apply: (batch: readonly U[]) => void | Promise<void>;
  /**
   * Every update up to `cursor` has been applied and, where there is a store, is in it. None: the position was withdrawn,
   * because a repair begins. Not always ahead of the last one: a bucket that was made again starts over. A throw ends the
   * watch with that error.
   */
  readonly onApplied?: (cursor: WatchCursor) => void;
  readonly batch?: BatchOptions;
  readonly retry?: RetryOptions;
  readonly held?: HeldOptions;
  /**
   * Store failures in a row that end the watch with the store's error. 1 or more, or `Infinity`; default 16. One with
   * `invalid-format` or `invalid-argument` ends it at once: a store that cannot hold an update never will.
   */
  readonly maxStoreFailures?: number;
  /**
   * Whether a mistake in the set-up (`authorization`, `tls-failed`, `bucket-not-found`, `server-too-old`,
   * `invalid-argument`, `invalid-key`) at the very first contact ends the watch. Default false: as later on, it is told and retried: every second
   * for half a minute, then every half a minute at the latest, and when the source is connected again.
   */
  readonly failFast?: boolean;
  readonly onEvent?: (event: WatchEvent) => void;
  /** Ends the watch: what the open batch holds is flushed, and the call resolves. */
  readonly signal?: AbortSignal;
  /** For the time a batch stays open, and for retries. Default: the machine's own. */
  readonly clock?: Clock;
  /** Spreads retries. Default: the machine's own. */
  readonly random?: Random;
}
