import type { KvEntry, VersionToken } from "../values/index.js";

/** A record as far as it is known without its value. */
export interface RecordMark {
  readonly version: VersionToken;
  readonly timeMs?: number | undefined;
}

/**
 * Whether a record that is delivered again is the one that the copy holds, so that applying it would change nothing. The whole of
 * it is compared: a bucket made again, or a stream rolled back, gives the same version to another record, and nobody may have
 * noticed yet. A time that one side does not know says nothing (a log of format 2 keeps none), a time to live that the copy lacks does:
 * by it the entry is to expire.
 */
export function sameRecord(held: KvEntry, delivered: KvEntry): boolean {
  if (!sameMark(held, delivered) || held.value.length !== delivered.value.length) return false;
  if (delivered.ttlMs !== undefined && delivered.ttlMs !== held.ttlMs) return false;
  const { value } = held;
  for (let at = 0; at < value.length; at += 1) {
    if (value[at] !== delivered.value[at]) return false;
  }
  return true;
}

/** Whether two marks are of one record, as far as they tell: the same version, and the same time where both are known. */
export function sameMark(a: RecordMark, b: RecordMark): boolean {
  if (a.version.isUnknown || !a.version.equals(b.version)) return false;
  return a.timeMs === undefined || b.timeMs === undefined || a.timeMs === b.timeMs;
}
