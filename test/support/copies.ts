import assert from "node:assert/strict";
import type { KvReader } from "../../src/kv/index.js";
import type { Replica } from "../../src/replica/index.js";
import type { KvEntry } from "../../src/values/index.js";

/** `key=value@revision`, sorted, for comparing a copy with a bucket. */
export function shown(entries: Iterable<KvEntry>): string[] {
  return Array.from(
    entries,
    ({ key, value, version }) => `${key}=${Buffer.from(value).toString()}@${version.toU64()}`,
  ).toSorted();
}

/** The same for what a bucket holds now. */
export async function shownBucket(bucket: KvReader, prefixes = [""]): Promise<string[]> {
  const entries: KvEntry[] = [];
  for (const prefix of prefixes) for await (const entry of bucket.scan(prefix)) entries.push(entry);
  return shown(entries);
}

/** Key for key, value for value, revision for revision. */
export async function assertMirrors(
  replica: Replica,
  bucket: KvReader,
  prefixes?: string[],
  message?: string,
): Promise<void> {
  assert.deepEqual(shown(replica.entries()), await shownBucket(bucket, prefixes), message);
}
