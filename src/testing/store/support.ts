import assert from "node:assert/strict";
import type { SnapshotStore } from "../../store/index.js";
import { VersionToken, WatchCursor, type KvEntry, type KvUpdate } from "../../values/index.js";

export interface SnapshotStoreHarness {
  /**
   * Opens the store that is kept at `path`, or makes it. Each test is given a path of its own in a fresh directory, which
   * is removed afterwards.
   */
  open(path: string): Promise<SnapshotStore>;
}

export type Scenarios = Readonly<
  Record<string, (harness: SnapshotStoreHarness, path: string) => Promise<void>>
>;

export interface State {
  readonly cursor: string;
  readonly size: number;
  readonly entries: readonly string[];
}

/** Checks the state that `fill` says it left, then again from a store opened afresh. */
export async function survives(
  harness: SnapshotStoreHarness,
  path: string,
  fill: (store: SnapshotStore) => Promise<State>,
): Promise<void> {
  await using store = await harness.open(path);
  const expected = await fill(store);
  assert.deepEqual(stateOf(store), expected);
  await store.close();
  await using again = await harness.open(path);
  assert.deepEqual(stateOf(again), expected);
}

export function stateOf(store: SnapshotStore): State {
  return { cursor: store.cursor().toHex(), size: store.size, entries: shown(store.range("")) };
}

export function shown(entries: Iterable<KvEntry>): string[] {
  return Array.from(entries, ({ key, value, version }) => {
    const revision = version.toU64() ?? version.toHex();
    return `${key}=${Buffer.from(value).toString("latin1")}@${revision}`;
  });
}

export function keysOf(entries: Iterable<KvEntry>): string[] {
  return Array.from(entries, ({ key }) => key);
}

export function put(key: string, value: string, revision: number): KvUpdate {
  const version = VersionToken.fromU64(revision);
  return { kind: "put", key, value: new TextEncoder().encode(value), version };
}

export function remove(kind: "delete" | "purge", key: string, revision: number): KvUpdate {
  return { kind, key, version: VersionToken.fromU64(revision) };
}

export function at(revision: number): WatchCursor {
  return WatchCursor.fromU64(revision);
}
