import { type KnownCount, retains } from "../../src/rules/index.js";
import { VersionToken } from "../../src/values/index.js";
import { KnownKeys } from "../../src/watch/known-keys.js";
import { type BucketKind, datedOf, limitsOf, overdueMs } from "./bucket-kind.js";
import { claimed, Diverged } from "./claims.js";
import type { Move } from "./happenings.js";
import { cursorOf, entryOf, headOf, type Model, versionOf } from "./rules-in-play.js";
import {
  type Audit,
  type Finding,
  follows,
  liveKeys,
  type State,
  type StreamRecord,
} from "./world.js";

/** As the replica itself allows for the time that a listing takes. */
const JUST_EXPIRED_MS = 10_000;
const EXPIRED = { reason: "expired" } as const;
const DELETED = { reason: "deleted" } as const;

/** What the replica knows the bucket to have a record of, as it counts it. */
export function knownOf(state: State, kind: BucketKind): KnownCount {
  const { entries, removed, expired, isExact, clock } = state;
  const known = new KnownKeys(true);
  known.begin();
  for (const [key, marker] of removed.entries()) {
    if (marker === undefined) continue;
    const version = versionOf(marker.seq);
    known.note([{ kind: "delete", key: String(key), version, ...datedOf(marker) }]);
  }
  for (const key of entries.keys()) {
    if ((expired & (1 << key)) === 0) continue;
    const version = VersionToken.unknown;
    known.note([{ kind: "delete", key: String(key), version, reason: "expired" }]);
  }
  if (isExact) known.complete();
  const live = entries.filter((entry, key) => entry !== undefined && follows(state, key));
  return known.count(live.length, limitsOf(kind), clock);
}

/** The answer to a count that was asked for, and the steps of an audit, which the flow may overtake. */
export function besideTheFlow(state: State, model: Model, kind: BucketKind): Move[] {
  const moves: Move[] = [];
  const { count, audit, records, last } = state;
  if (count !== undefined && count.answer === undefined) {
    const counted = records.filter(({ key }) => follows(state, key)).length;
    const answer = { records: counted, end: last };
    moves.push({ name: "answer", to: { ...state, count: { ...count, answer, isOld: false } } });
  }
  if (audit === undefined || state.phase !== "following") return moves;
  if (audit.end === undefined) {
    moves.push({ name: "listed", to: { ...state, audit: { ...audit, end: last } } });
    const late = listedLate(state, audit);
    if (late !== undefined) moves.push({ name: "listed late", to: late });
  } else if (audit.found === undefined) {
    if (isPassed(state, model)) {
      moves.push({ name: "compare", to: compare(state, audit, model, kind) });
    }
  } else {
    moves.push({ name: "mend", to: mend(state, model, kind) });
  }
  return moves;
}

/** What was replaced or lost before the listing came to it is not in it. */
function listedLate(state: State, audit: Audit): State | undefined {
  const listed = audit.listed.map((record) =>
    record === undefined || state.records.includes(record) ? record : undefined,
  );
  const isOther = listed.some((record, key) => record !== audit.listed[key]);
  return isOther ? { ...state, audit: { ...audit, listed, end: state.last } } : undefined;
}

function isPassed({ cursor, audit }: State, { rules }: Model): boolean {
  const position = cursorOf(cursor);
  return rules.laterCursor(position, cursorOf(audit?.end ?? 0)) === position;
}

/** Once all is delivered: ask for a count, get the answer, judge by it. */
export function checks(state: State, model: Model, kind: BucketKind): Move[] {
  const { count, audit } = state;
  if (audit !== undefined) {
    const steps = besideTheFlow(state, model, kind);
    // It waits for what will never come: the stream was cut short. It fails, and is due again.
    const again: State = { ...state, audit: undefined, isDistrusted: true };
    return steps.length > 0 ? steps : [{ name: "audit again", to: again }];
  }
  if (retains(kind.evictions ?? "mirror", limitsOf(kind))) {
    return state.isDistrusted
      ? [audited(state, model, kind)]
      : [{ name: "level", to: claimed(state, state, model, kind) }];
  }
  if (count === undefined) {
    const known = knownOf(state, kind);
    return [{ name: "ask", to: { ...state, count: { known, answer: undefined, isOld: false } } }];
  }
  return count.answer === undefined
    ? besideTheFlow(state, model, kind)
    : [judged(state, model, kind)];
}

/** Holds the count against what is known, and audits where that is due. */
function judged(state: State, model: Model, kind: BucketKind): Move {
  const { rules } = model;
  const { count, isExact, isDistrusted } = state;
  const name = "judge";
  if (count?.answer === undefined) return { name, to: state };
  const verdict = rules.countVerdict(count.known, knownOf(state, kind), count.answer.records);
  const next: State = { ...state, count: undefined };
  if (isDistrusted || rules.auditIsDue(verdict, isExact, 0)) return audited(next, model, kind);
  return { name, to: verdict === "equal" ? claimed(next, state, model, kind) : next };
}

function audited(state: State, model: Model, kind: BucketKind): Move {
  const { entries, records } = state;
  const audit: Audit = {
    listed: entries.map((_, key) => records.find((record) => record.key === key)),
    end: undefined,
    touched: 0,
    live: liveKeys(state),
    left: 0,
    found: undefined,
    isOld: false,
  };
  const begun: State = { ...state, audit, isDistrusted: false };
  if (kind.races === true) return { name: "list", to: begun };
  const to = mend(compare(begun, audit, model, kind), model, kind);
  return { name: "audit", to: claimed(to, state, model, kind) };
}

/** Judges each key that the flow has not touched, and fetches what differs. */
function compare(state: State, audit: Audit, { rules }: Model, kind: BucketKind): State {
  const evictions = kind.evictions ?? "mirror";
  const retainsForgotten = rules.retains(evictions, limitsOf(kind));
  // What somebody deleted goes all the same.
  const keeps = (last: StreamRecord | undefined): boolean =>
    retainsForgotten &&
    (last === undefined || rules.outlives(last.isExpiry ? EXPIRED : DELETED, evictions));
  let left = 0;
  const found = state.entries.map((held, key): Finding | undefined => {
    if (!follows(state, key) || (audit.touched & (1 << key)) !== 0) return undefined;
    const listed = audit.listed[key];
    const mark = held === undefined ? undefined : entryOf(held);
    const verdict = rules.judgeKey(mark, listed === undefined ? undefined : headOf(listed));
    if (verdict === "same" || (verdict === "extra" && keeps(listed))) return undefined;
    if (verdict === "extra") return { record: listed };
    const overMs = listed === undefined ? -1 : overdueMs(listed, state.clock, kind);
    if (verdict === "missing" && overMs >= 0 && overMs <= JUST_EXPIRED_MS) {
      left |= 1 << key;
      return undefined;
    }
    const record = state.records.find((other) => other.key === key);
    if (record?.isPut !== true && keeps(record)) return undefined;
    if (record === undefined) return { record };
    const isBehind = rules.isBehindFlow(versionOf(record.seq), cursorOf(state.cursor));
    return isBehind ? { record } : undefined;
  });
  return { ...state, audit: { ...audit, left, found } };
}

/** Between two flushes, what nothing has touched. */
function mend(state: State, model: Model, kind: BucketKind): State {
  const { audit, frontier, last } = state;
  if (audit?.found === undefined) return state;
  const { found, touched, live, left, listed, isOld } = audit;
  const entries = [...state.entries];
  const removed = listed.map((record) => (record?.isPut === false ? record : undefined));
  // Of what the copy let expire the bucket may still have what was listed.
  let mayBeThere = touched;
  for (const key of entries.keys()) {
    const bit = 1 << key;
    if ((touched & bit) !== 0) {
      removed[key] = state.removed[key];
      continue;
    }
    const finding = found[key];
    if (listed[key]?.isPut === true) mayBeThere |= bit;
    if (finding === undefined) continue;
    const { record } = finding;
    entries[key] = record?.isPut === true ? record : undefined;
    removed[key] = record?.isPut === false ? record : undefined;
    if (record === undefined && (live & bit) !== 0) throw new Diverged("took out what is there");
  }
  const expired = (state.expired & mayBeThere) | (left & ~touched);
  const mended: State = { ...state, entries, removed, expired, isExact: true, audit: undefined };
  if (kind.races !== true || isOld || frontier < last || mended.isDistrusted) return mended;
  return claimed(mended, mended, model, kind);
}
