import { MillpondError } from "../errors/index.js";
import type { KvRecordHead, WatchScope } from "../kv/index.js";
import type { Clock } from "../platform/index.js";
import { isBehindFlow, judgeKey, type KeyVerdict, laterCursor } from "../rules/index.js";
import {
  type KvEntry,
  type KvRemoval,
  type KvUpdate,
  VersionToken as Version,
  WatchCursor,
} from "../values/index.js";
import type { BucketKnowledge } from "./bucket-knowledge.js";
import type { CopyView } from "./copy-view.js";
import type { AuditReport, KeyDifference } from "./events.js";
import type { FlowState } from "./flow-state.js";
import { inSlices } from "./in-slices.js";
import type { KnownKeys } from "./known-keys.js";
import type { BucketFacts, CursorOrigin, WatchAuditor } from "./options.js";
import { orAbort } from "./or-abort.js";
import type { StoreWriter } from "./store-writer.js";

/** How long the flow may take to bring what the bucket had when it was listed. */
const LONGEST_LAG_MS = 60_000;
/**
 * How long after its time a record may still be listed. One that is there for longer was not to go yet: the copy let it expire by a clock
 * that was wrong.
 */
const EXPIRY_LAG_MS = 10_000;
/** A repair begins everything anew, a listing beside it would compare with what is on its way out. */
const MOST_ATTEMPTS = 3;
/** Values asked for at a time. */
const FETCHED_AT_ONCE = 16;
const MOST_TOLD = 100;

export interface AuditParts {
  readonly auditor: WatchAuditor;
  readonly origin: CursorOrigin | undefined;
  readonly scope: WatchScope;
  readonly copy: CopyView;
  readonly bucket: BucketKnowledge;
  readonly known: KnownKeys;
  readonly flow: FlowState;
  readonly writer: StoreWriter;
  readonly clock: Clock;
  /** Applies what `make` gives when it is its turn in the flow. */
  readonly inject: (make: () => readonly KvUpdate[]) => Promise<void>;
}

/** A key whose entry in the copy is not the bucket's last record of it, as far as a listing saw. */
interface Suspect {
  readonly key: string;
  readonly record: KvRecordHead | undefined;
  readonly held: KvEntry | undefined;
  readonly verdict: KeyVerdict;
}

/** What makes a suspect none of the audit's business any more. */
interface Overtaking {
  /** All keys that have changed in the copy since, by the flow or beside it. */
  readonly touched: ReadonlySet<string>;
  /** Whether a watch has begun with the full state since. */
  readonly isAnew: () => boolean;
}

interface Listing {
  readonly seen: ReadonlySet<string>;
  readonly removed: ReadonlyMap<string, KvRecordHead>;
  readonly differing: ReadonlyMap<string, KvRecordHead>;
  /** Of those, what is over and may go at any moment: the audit leaves it. */
  readonly leftToExpire: Set<string>;
  /** The bucket's end when it was read. */
  readonly end: WatchCursor;
  /** When it began, by our clock. */
  readonly beganAt: number;
}

/**
 * One comparison of the copy with the bucket by records without their values, while the watch goes on. What the flow touches
 * after the listing has begun is left to the flow. The rest is judged once the flow has passed the listing's end: by then what differs can
 * be no news that is still on its way. It is mended between two flushes, and only where nothing has touched it since it was judged.
 *
 * Memory: the keys of the bucket, about their characters and 50 bytes each, and the records that differ.
 */
export async function auditOnce(parts: AuditParts, signal: AbortSignal): Promise<AuditReport> {
  const { flow, known } = parts;
  for (let attempt = 1; attempt <= MOST_ATTEMPTS; attempt += 1) {
    await flow.until(() => flow.isCaughtUp, signal);
    const touched = known.beginAudit();
    const { repairs } = flow;
    const isAnew = (): boolean => flow.repairs !== repairs;
    // Only an audit that came to its end knows of all removals, and that the copy is what it listed.
    let mended: Listing | undefined;
    try {
      const listing = await list(parts, signal);
      if (!(await isPassed(parts, listing.end, isAnew, signal))) continue;
      const suspects = await suspectsOf(parts, listing, touched, signal);
      await mend(parts, suspects, { touched, isAnew }, signal);
      if (isAnew()) continue;
      mended = listing;
      return reportOf(parts.writer.position.cursor, listing.seen.size, suspects);
    } finally {
      known.endAudit(mended);
    }
  }
  throw new MillpondError(
    "closed",
    "the watch began anew, again and again, before the audit was complete",
  );
}

async function list(parts: AuditParts, signal: AbortSignal): Promise<Listing> {
  const { auditor, scope, copy, clock } = parts;
  const beganAt = clock.now();
  const seen = new Set<string>();
  const removed = new Map<string, KvRecordHead>();
  const differing = new Map<string, KvRecordHead>();
  let end = WatchCursor.none;
  const records = auditor.records(scope)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await orAbort(records.next(), signal);
      if (next.done === true) break;
      const record = next.value;
      const { key } = record;
      seen.add(key);
      end = laterCursor(end, WatchCursor.fromVersion(record.version));
      // A record that replaces one that was listed has come with the flow meanwhile, or will: such a key is no longer looked at here.
      if (record.kind !== "put") removed.set(key, record);
      if (judgeKey(copy.get(key), record) !== "same") differing.set(key, record);
    }
  } catch (error) {
    // Not awaited: a listing that hangs must not hold up whoever ends it.
    records.return?.().catch(() => undefined);
    throw error;
  }
  const { lastSequence } = (await readBucket(parts, signal)) ?? {};
  if (lastSequence !== undefined) end = laterCursor(end, WatchCursor.fromU64(lastSequence));
  return { seen, removed, differing, leftToExpire: new Set(), end, beganAt };
}

/**
 * What the bucket says of itself. Throws where it has been made again meanwhile, or rolled back to before the copy's position: the flow is still
 * busy with what was there before, and has yet to meet its end. Mended by what is there now, the copy would be neither.
 */
async function readBucket(
  { origin, bucket, writer }: AuditParts,
  signal: AbortSignal,
): Promise<BucketFacts | undefined> {
  if (origin === undefined) return undefined;
  const { cursor } = writer.position;
  const facts = await orAbort(origin.read(), signal);
  const { bucket: name, lastSequence } = facts;
  if (origin.refusal(facts, writer.position.cursor) === "foreign-cursor") {
    throw new MillpondError("cursor-expired", `the copy is of another making of ${name}`);
  }
  if (lastSequence !== undefined && lastSequence < (cursor.toU64() ?? 0n)) {
    throw new MillpondError(
      "cursor-expired",
      `${name} was rolled back to before the copy's position`,
    );
  }
  bucket.learn(facts);
  return facts;
}

/** Whether the flow has brought what the bucket had by then, and nothing began anew meanwhile. */
async function isPassed(
  { flow, writer }: AuditParts,
  end: WatchCursor,
  isAnew: () => boolean,
  signal: AbortSignal,
): Promise<boolean> {
  const hasPassed = (): boolean => {
    const { cursor } = writer.position;
    return laterCursor(cursor, end) === cursor;
  };
  await flow.until(() => isAnew() || hasPassed(), signal, LONGEST_LAG_MS);
  if (isAnew()) return false;
  if (hasPassed()) return true;
  throw new MillpondError(
    "timeout",
    "the watch did not come as far as the bucket was when it was listed",
  );
}

async function suspectsOf(
  { copy, bucket, clock }: AuditParts,
  { seen, differing, leftToExpire, beganAt }: Listing,
  touched: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<Suspect[]> {
  const found: Suspect[] = [];
  const lagMs = EXPIRY_LAG_MS + Math.max(0, clock.now() - beganAt);
  const judge = (key: string, held: KvEntry | undefined, record?: KvRecordHead): void => {
    if (touched.has(key)) return;
    const verdict = judgeKey(held, record);
    if (verdict === "extra" && bucket.keeps(record)) return;
    // It has left the copy and not yet the bucket.
    const isMissing = verdict === "missing" && record !== undefined;
    if (isMissing && bucket.hasJustExpired(record, lagMs)) {
      leftToExpire.add(key);
      return;
    }
    if (verdict !== "same") found.push({ key, record, held, verdict });
  };
  for (const [key, record] of differing) judge(key, copy.get(key), record);
  if (bucket.retains) return found;
  const unseen: KvEntry[] = [];
  await inSlices(copy.entries(), clock, signal, (entry) => {
    if (!seen.has(entry.key)) unseen.push(entry);
  });
  for (const { key } of unseen) judge(key, copy.get(key));
  return found;
}

async function mend(
  parts: AuditParts,
  suspects: readonly Suspect[],
  { touched, isAnew }: Overtaking,
  signal: AbortSignal,
): Promise<void> {
  const { auditor, bucket, writer, inject } = parts;
  const { cursor } = writer.position;
  for (let from = 0; from < suspects.length; from += FETCHED_AT_ONCE) {
    const some = suspects.slice(from, from + FETCHED_AT_ONCE);
    const updates = await Promise.all(
      some.map(async ({ key, verdict, record: listed }): Promise<KvUpdate | undefined> => {
        if (verdict === "extra") return removalOf(key, listed);
        const record = await orAbort(auditor.entry(key), signal);
        if (record !== undefined && !isBehindFlow(record.version, cursor)) return undefined;
        if (record?.kind === "put") return { ...record, kind: "put" };
        return bucket.keeps(record) ? undefined : removalOf(key, record);
      }),
    );
    // Once more: what was fetched may be of a later making than what was listed.
    await readBucket(parts, signal);
    await inject(() =>
      updates.filter((update, index): update is KvUpdate => {
        const suspect = some[index];
        if (isAnew()) return false;
        return update !== undefined && suspect !== undefined && !touched.has(suspect.key);
      }),
    );
  }
}

/** With the version of the bucket's own removal, where that is still there. */
function removalOf(key: string, record: KvRecordHead | undefined): KvRemoval {
  if (record === undefined || record.kind === "put") {
    return { kind: "delete", key, version: Version.unknown, reason: "vanished" };
  }
  const { kind, version, timeMs } = record;
  const reason = kind === "purge" ? "purged" : "deleted";
  return { kind, key, version, reason, ...(timeMs === undefined ? {} : { timeMs }) };
}

function reportOf(cursor: WatchCursor, records: number, suspects: readonly Suspect[]): AuditReport {
  const count = (wanted: KeyVerdict): number =>
    suspects.filter(({ verdict }) => verdict === wanted).length;
  const differing = suspects.slice(0, MOST_TOLD).map(({ key, held, record }): KeyDifference => {
    const isLive = record?.kind === "put";
    return { key, copy: held?.version, bucket: isLive ? record.version : undefined };
  });
  return {
    cursor,
    records,
    missing: count("missing"),
    stale: count("stale"),
    extra: count("extra"),
    differing,
  };
}
