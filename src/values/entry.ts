import type { VersionToken } from "./version-token.js";

/** The `ttlMs` of an entry that its source never drops of age, whatever the limits of its bucket (NATS: `Nats-TTL: never`). */
export const TTL_NEVER_MS = Number.MAX_SAFE_INTEGER;

/** A key that has a value, as the bucket or the local copy holds it. An empty value is a value. */
export interface KvEntry {
  readonly key: string;
  /**
   * The caller's own: changing it changes nothing else. Like a Node `Buffer` it may lie in a larger `buffer`, beside other values
   * that were given out: mind `byteOffset`, or copy it, before handing `value.buffer` on.
   */
  readonly value: Uint8Array;
  readonly version: VersionToken;
  /** When the source stored it, in ms since 1970; left out where the source does not say. */
  readonly timeMs?: number;
  /** How long after that the source drops it, in ms, or {@link TTL_NEVER_MS}; left out where the source does not say. */
  readonly ttlMs?: number;
}

/** One change of one key, in the order in which the bucket made them. */
export type KvUpdate = KvPut | KvRemoval;

/** The key has this value from now on. */
export interface KvPut extends KvEntry {
  readonly kind: "put";
}

/**
 * Why a key has no value any more.
 *
 * - `deleted`, `purged`: somebody removed it, and a marker says so.
 * - `expired`: its time was over: a marker of the server's (`Nats-Marker-Reason: MaxAge`) says so, or the copy's own clock.
 * - `removed`: a marker of the server's with another reason (`Remove`, `Purge` by a limit or an operator).
 * - `emptied`: an empty value was written, and the bucket is read as one whose empty values are removals.
 * - `vanished`: the bucket has no record of it any more, and no marker said why (a purge of the stream, eviction, a marker that
 *   was purged, a bucket that was made again): found by comparing.
 */
export type RemovalReason = "deleted" | "purged" | "expired" | "removed" | "emptied" | "vanished";

/**
 * The key has no value any more. `purge` also dropped the key's history in the bucket; a copy treats both alike. A
 * removal whose version is unknown was made up by a repair: it is applied, but moves no cursor.
 */
export interface KvRemoval {
  readonly kind: "delete" | "purge";
  readonly key: string;
  readonly version: VersionToken;
  /** Left out where it is read back from a log, which keeps only the kind. */
  readonly reason?: RemovalReason;
  /** When the source stored the removal, in ms since 1970; left out where the source does not say. */
  readonly timeMs?: number;
  /** How long after that the source drops its marker, in ms; left out where the source does not say. */
  readonly ttlMs?: number;
}
