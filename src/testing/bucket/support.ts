import assert from "node:assert/strict";
import { isMillpondError, type ErrorCode } from "../../errors/index.js";
import type { KvStore } from "../../kv/index.js";
import { type KvEntry, type VersionToken, WatchCursor } from "../../values/index.js";

/** Writes in flight at a time where a scenario writes many. */
const AT_A_TIME = 100;

export function bytes(characters: string): Uint8Array {
  return new TextEncoder().encode(characters);
}

export function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export async function sortedKeys(bucket: KvStore, prefix?: string): Promise<string[]> {
  return (await collect(bucket.keys(prefix))).toSorted();
}

/** The bucket's keys and values by `scan`, sorted by key. */
export async function contents(bucket: KvStore, prefix?: string): Promise<Map<string, string>> {
  const entries = await collect(bucket.scan(prefix));
  return new Map(
    entries
      .map((entry): [string, string] => [entry.key, new TextDecoder().decode(entry.value)])
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
}

/** An entry or record without its times, which a bucket need not tell. */
export function untimed(entry: KvEntry | undefined): Partial<KvEntry> | undefined {
  if (entry === undefined) return undefined;
  const rest: Partial<KvEntry> & { timeMs?: number; ttlMs?: number } = { ...entry };
  delete rest.timeMs;
  delete rest.ttlMs;
  return rest;
}

/** Fails unless `work` is refused with this code. */
export async function refuses(code: ErrorCode, work: () => unknown): Promise<void> {
  await assert.rejects(
    async () => work(),
    (error) => {
      assert.ok(isMillpondError(error, code), `expected ${code}, got ${String(error)}`);
      return true;
    },
  );
}

/** Puts `count` keys `prefix0` … with the values `0` …, many at a time. */
export async function putMany(bucket: KvStore, prefix: string, count: number): Promise<void> {
  for (let start = 0; start < count; start += AT_A_TIME) {
    const indexes = Array.from({ length: Math.min(AT_A_TIME, count - start) }, (_, i) => start + i);
    await Promise.all(
      indexes.map((index) => bucket.put(`${prefix}${index}`, bytes(String(index)))),
    );
  }
}

/** The sequence that a version stands for. */
export function sequenceOf(version: VersionToken | undefined): bigint {
  const sequence = version?.toU64();
  assert.ok(sequence !== undefined, "a version is a u64");
  return sequence;
}

export function cursorAt(version: VersionToken): WatchCursor {
  return WatchCursor.fromVersion(version);
}
