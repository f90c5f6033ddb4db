import { inScope, type KvStore, type WatchScope } from "../kv/index.js";
import { expiresAtMs, hasReached, judgeKey, type KeyVerdict } from "../rules/index.js";
import { type KvEntry, type VersionToken, WatchCursor } from "../values/index.js";
import type { KvRecordHead } from "../kv/index.js";

/** What is compared: a copy as it is read along, and the bucket that it is said to be of. */
export interface AuditedCopy {
  readonly bucket: KvStore;
  readonly scope: WatchScope;
  entries(): Iterable<KvEntry>;
  entry(key: string): KvEntry | undefined;
  cursor(): WatchCursor;
}

/** What a comparison from the outside found. It mends nothing. */
export interface CopyReport {
  /** The copy's position when it was compared. */
  readonly cursor: WatchCursor;
  /** Records of the bucket that were compared, removals included. */
  readonly records: number;
  /** Entries of the copy that were. */
  readonly entries: number;
  readonly missing: number;
  readonly stale: number;
  readonly extra: number;
  /** Keys that the bucket has changed after the copy's position: the copy does not claim to have these. */
  readonly behind: number;
  /** Entries of the copy whose time is over, and which the bucket has dropped: whoever keeps the copy is about to do so. */
  readonly expired: number;
  /** The first 100 that differ. */
  readonly differing: readonly Differing[];
}

export interface Differing {
  readonly key: string;
  readonly verdict: Exclude<KeyVerdict, "same">;
  readonly copy: VersionToken | undefined;
  readonly bucket: VersionToken | undefined;
}

const MAX_DIFFERING = 100;

/**
 * Lists the bucket and holds the copy against it, key by key. What seems to differ is asked for once more, as both may have moved on
 * while the listing ran.
 */
export async function auditCopy(copy: AuditedCopy, signal: AbortSignal): Promise<CopyReport> {
  const { bucket, scope } = copy;
  const { limits, serverTimeMs } = await bucket.info();
  const records = new Map<string, KvRecordHead>();
  for await (const record of bucket.records(scope)) {
    signal.throwIfAborted();
    records.set(record.key, record);
  }
  const suspects = new Set<string>();
  let entries = 0;
  for (const entry of copy.entries()) {
    if (!inScope(scope, entry.key)) {
      suspects.add(entry.key);
      continue;
    }
    entries += 1;
    if (judgeKey(entry, records.get(entry.key)) !== "same") suspects.add(entry.key);
  }
  for (const [key, record] of records) {
    if (record.kind === "put" && copy.entry(key) === undefined) suspects.add(key);
  }
  const counts = { missing: 0, stale: 0, extra: 0, behind: 0, expired: 0 };
  const differing: Differing[] = [];
  for (const key of suspects) {
    signal.throwIfAborted();
    const record = inScope(scope, key) ? await bucket.entry(key) : undefined;
    const held = copy.entry(key);
    const verdict = judgeKey(held, record);
    if (verdict === "same") continue;
    if (record !== undefined && isAhead(record.version, copy.cursor())) {
      counts.behind += 1;
    } else if (held !== undefined && expiresAtMs(held, limits) <= serverTimeMs) {
      counts.expired += 1;
    } else {
      counts[verdict] += 1;
      if (differing.length === MAX_DIFFERING) continue;
      differing.push({ key, verdict, copy: held?.version, bucket: record?.version });
    }
  }
  return { cursor: copy.cursor(), records: records.size, entries, ...counts, differing };
}

/** Whether a copy at `cursor` need not have this record yet. One without a position claims nothing. */
function isAhead(version: VersionToken, cursor: WatchCursor): boolean {
  return cursor.isNone || !hasReached(cursor, WatchCursor.fromVersion(version));
}
