import type { KvPut, WatchCursor } from "../../src/values/index.js";

/** A database that holds the same data: one transaction a batch, with the position in it, and no fsync, like our log. */
export interface PeerStore {
  apply(updates: readonly KvPut[], cursor: WatchCursor): void | Promise<void>;
  /** The value's bytes, the caller's own; undefined where there is none. */
  get(key: string): Uint8Array | undefined;
  /** All with this prefix, ascending by key. */
  range(prefix: string): readonly PeerEntry[] | Promise<readonly PeerEntry[]>;
  /** Every key and what is stored under it. */
  loadAll(): Map<string, Uint8Array> | Promise<Map<string, Uint8Array>>;
  close(): void | Promise<void>;
}

export interface PeerEntry {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Sorts before every key of the bench, and is none of them. */
export const CURSOR_KEY = "!cursor";
/** One past the last character of a prefix that ends in ".". */
export const AFTER_DOT = "/";

/** What is stored under a key: the version, then the value. */
export function packed({ version, value }: KvPut): Buffer {
  const bytes = Buffer.allocUnsafe(version.length + value.length);
  bytes.set(value, version.copyTo(bytes, 0));
  return bytes;
}

/** Where the range of a prefix of the bench (they all end in ".") ends, itself not included. */
export function endOf(prefix: string): string {
  return prefix === "" ? "\u007F" : `${prefix.slice(0, -1)}${AFTER_DOT}`;
}
