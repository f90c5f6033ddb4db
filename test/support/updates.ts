import { VersionToken, WatchCursor, type KvEntry, type KvUpdate } from "../../src/values/index.js";

/** A put whose version is `revision`. */
export function put(key: string, value: string | Uint8Array, revision: number): KvUpdate {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return { kind: "put", key, value: bytes, version: VersionToken.fromU64(revision) };
}

export function del(key: string, revision: number): KvUpdate {
  return { kind: "delete", key, version: VersionToken.fromU64(revision) };
}

export function purge(key: string, revision: number): KvUpdate {
  return { kind: "purge", key, version: VersionToken.fromU64(revision) };
}

export function at(revision: number): WatchCursor {
  return WatchCursor.fromU64(revision);
}

/** `key=value@version` for each, in the order given: short enough to read in a failed comparison. */
export function told(entries: Iterable<KvEntry>): string[] {
  return Array.from(
    entries,
    ({ key, value, version }) =>
      `${key}=${Buffer.from(value).toString("latin1")}@${version.toU64() ?? version.toHex()}`,
  );
}
