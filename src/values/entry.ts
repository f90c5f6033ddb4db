import type { VersionToken } from "./version-token.js";

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
  /** How long after that the source drops it, in ms; left out where the source does not say. */
  readonly ttlMs?: number;
}

/** One change of one key, in the order in which the bucket made them. */
export type KvUpdate = KvPut | KvRemoval;

/** The key has this value from now on. */
export interface KvPut extends KvEntry {
  readonly kind: "put";
}

/**
 * The key has no value any more. `purge` also dropped the key's history in the bucket; a copy treats both alike. A
 * removal whose version is unknown was made up by a repair: it is applied, but moves no cursor.
 */
export interface KvRemoval {
  readonly kind: "delete" | "purge";
  readonly key: string;
  readonly version: VersionToken;
  /** When the source stored the removal, in ms since 1970; left out where the source does not say. */
  readonly timeMs?: number;
  /** How long after that the source drops its marker, in ms; left out where the source does not say. */
  readonly ttlMs?: number;
}
