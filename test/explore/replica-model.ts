import type { BucketLimits } from "../../src/kv/index.js";
import * as production from "../../src/rules/index.js";
import { VersionToken, WatchCursor } from "../../src/values/index.js";
import type { Move } from "./happenings.js";
import {
  firstOf,
  isBucket,
  nextAfter,
  NONE,
  recordAt,
  type State,
  type StreamRecord,
} from "./world.js";

/** The rules that decide, as the replica calls them. A variant breaks one. */
export type Rules = Pick<
  typeof production,
  | "resumeIsSound"
  | "mayResume"
  | "bucketAccountsFor"
  | "isRolledBack"
  | "dropsUnseen"
  | "removalBelowFloor"
  | "sameRecord"
  | "countVerdict"
  | "auditIsDue"
  | "judgeKey"
>;

export interface Model {
  readonly rules: Rules;
  /** Without, the copy is taken for level as soon as a look at the stream says so: shows what the other rules are there for. */
  readonly counts: boolean;
}

export const productionModel: Model = { rules: production, counts: true };

/** The copy was said to be the bucket, and is not. */
export class Diverged extends Error {}

const LIMITS: BucketLimits = {
  maxAgeMs: undefined,
  allowsTtl: false,
  markerTtlMs: undefined,
  discardsOld: true,
};
const MS = 1_000_000n;
const NO_VALUE = new Uint8Array();
/** Shared, for speed: the rules only read them. */
const versions = Array.from({ length: 64 }, (_, seq) => VersionToken.fromU64(seq));
const cursors = Array.from({ length: 64 }, (_, seq) => WatchCursor.fromU64(seq));

function versionOf(seq: number): VersionToken {
  return versions[seq] ?? VersionToken.fromU64(seq);
}

function entryOf({ seq, time }: StreamRecord) {
  return { key: "", value: NO_VALUE, version: versionOf(seq), timeMs: time };
}

/** What the replica can do next; nothing where it is down. Throws {@link Diverged}. */
export function replicaMoves(state: State, model: Model): Move[] {
  const { phase } = state;
  if (phase === "down") return [{ name: "start", to: { ...state, phase: "opening" } }];
  if (phase === "opening") return [{ name: "open", to: open(state, model) }];
  if (state.isLost) {
    const reopened: State = { ...state, phase: "opening", isLost: false, count: undefined };
    return [
      { name: "reconnect", to: reconnect(state, model) },
      // What the source does not mend in a few seconds, the loop does.
      { name: "give up", to: reopened },
    ];
  }
  const next = nextAfter(state, state.frontier);
  if (next !== undefined) {
    const moves = [{ name: `deliver ${next.seq}`, to: deliver(state, next, model) }];
    return [...moves, ...answers(state)];
  }
  if (state.frontier < state.last || phase !== "following") {
    return [{ name: "bookmark", to: bookmark(state, model) }, ...answers(state)];
  }
  return level(state, model);
}

/** Once all is delivered: ask for a count, get the answer, judge by it. */
function level(state: State, model: Model): Move[] {
  const { count } = state;
  if (!model.counts) return [{ name: "look", to: claimed(look(state, model), state) }];
  if (count === undefined) {
    const asked = { known: knownOf(state), isExact: state.isExact };
    return [
      { name: "ask", to: { ...state, count: { ...asked, answer: undefined, isOld: false } } },
    ];
  }
  if (count.answer === undefined) return answers(state);
  return [{ name: "judge", to: judge(state, model) }];
}

function answers(state: State): Move[] {
  const { count, records, last } = state;
  if (count === undefined || count.answer !== undefined) return [];
  const answer = { records: records.length, end: last };
  return [{ name: "answer", to: { ...state, count: { ...count, answer, isOld: false } } }];
}

function knownOf({ entries, removed }: State): number {
  let known = entries.filter((entry) => entry !== undefined).length;
  for (let bits = removed; bits > 0; bits >>= 1) known += bits & 1;
  return known;
}

function open(state: State, { rules }: Model): State {
  if (state.cursor === NONE) return startOver(state);
  const { cursor, last, records, entries } = state;
  const firstSequence = BigInt(firstOf(state));
  const window = { firstSequence, lastSequence: BigInt(last) };
  if (!rules.resumeIsSound(BigInt(cursor), window)) return startOver(state);
  if (isForeign(state, rules)) return startOver(state);
  const keys = entries.filter((entry) => entry !== undefined).length;
  const kept = { firstSequence, records: records.length };
  if (!rules.bucketAccountsFor({ keys, revision: BigInt(cursor) }, kept)) return startOver(state);
  const record = recordAt(state, cursor);
  if (rules.isRolledBack(BigInt(state.cursorTime) * MS, timed(record))) return startOver(state);
  return {
    ...state,
    phase: "following",
    frontier: cursor,
    recent: undefined,
    watched: state.made,
    isDistrusted: state.isDistrusted || state.cursorTime === 0 || record === undefined,
    count: undefined,
  };
}

function timed(record: StreamRecord | undefined): { readonly timeMs: number } | undefined {
  return record === undefined ? undefined : { timeMs: record.time };
}

function isForeign({ owner, made }: State, rules: Rules): boolean {
  return rules.mayResume(identityOf(owner), identityOf(made)) !== "yes";
}

function identityOf(created: number) {
  return { bucket: "b", created: String(created), scope: [] };
}

/** The full state comes. Into a copy that holds anything as a repair; an empty one gets positions along the way. */
function startOver(state: State): State {
  const mustRepair = state.entries.some((entry) => entry !== undefined);
  return {
    ...state,
    cursor: NONE,
    cursorTime: 0,
    owner: mustRepair ? state.owner : state.made,
    phase: mustRepair ? "repairing" : "filling",
    isLost: false,
    frontier: 0,
    recent: undefined,
    watched: state.made,
    marks: 0,
    removed: 0,
    isForeign: state.owner !== state.made,
    isExact: false,
    count: undefined,
  };
}

/** The source goes on where it was, if the stream is still the one that it was. */
function reconnect(state: State, model: Model): State {
  const looked = look({ ...state, count: undefined }, model);
  if (looked.phase === "opening") return open(looked, model);
  // What the copy had been told is no longer known to be the stream's: only records can tell.
  const isProven = state.recent !== undefined && recordAt(state, state.recent.seq) !== undefined;
  const isDistrusted = looked.isDistrusted || (!isProven && state.phase === "following");
  return { ...looked, isLost: false, isDistrusted };
}

/** A look at the stream; `opening` where the watch must end. Level with it, what lies below its beginning goes. */
function look(state: State, { rules }: Model): State {
  const { recent, made, last, frontier } = state;
  const found = recent === undefined ? undefined : recordAt(state, recent.seq);
  const isOther =
    state.watched !== made ||
    last < frontier ||
    (recent !== undefined && rules.isRolledBack(BigInt(recent.time) * MS, timed(found)));
  if (isOther) return startOver(state);
  if (state.phase !== "following" || frontier < last) return state;
  const floor = cursors[firstOf(state)] ?? WatchCursor.none;
  const facts = { floor, evictions: "mirror", limits: LIMITS, serverTimeMs: 0 } as const;
  const entries = state.entries.map((entry) =>
    entry !== undefined && rules.removalBelowFloor(entryOf(entry), facts) !== undefined
      ? undefined
      : entry,
  );
  return { ...state, entries };
}

function deliver(state: State, record: StreamRecord, model: Model): State {
  const { seq, key, isPut, time } = record;
  const bit = 1 << key;
  const held = state.entries[key];
  const isHeld =
    state.phase === "repairing" &&
    isPut &&
    held !== undefined &&
    model.rules.sameRecord(entryOf(held), entryOf(record));
  const entries = isHeld
    ? state.entries
    : state.entries.map((entry, at) => (at === key ? (isPut ? record : undefined) : entry));
  const applied: State = {
    ...state,
    entries,
    frontier: seq,
    recent: record,
    marks: state.phase === "repairing" ? state.marks | bit : 0,
    removed: isPut ? state.removed & ~bit : state.removed | bit,
    ...(state.phase === "repairing" ? {} : { cursor: seq, cursorTime: time }),
  };
  return nextAfter(applied, seq) === undefined ? caughtUp(applied, model) : applied;
}

/** A heartbeat tells how far the stream has got without anything for us. */
function bookmark(state: State, model: Model): State {
  const { last, frontier } = state;
  const moved = last > frontier;
  const isPositioned = state.phase !== "repairing" && (moved || state.cursor === NONE);
  const at: State = {
    ...state,
    frontier: last,
    ...(isPositioned ? { cursor: last, cursorTime: 0 } : {}),
  };
  return caughtUp(at, model);
}

function caughtUp(state: State, { rules }: Model): State {
  if (state.phase === "following") return state;
  if (state.phase === "filling") return { ...state, phase: "following", isExact: true };
  const drops = rules.dropsUnseen(state.isForeign, "mirror", LIMITS);
  const { frontier, recent, marks } = state;
  return {
    ...state,
    phase: "following",
    entries: state.entries.map((entry, key) =>
      drops && (marks & (1 << key)) === 0 ? undefined : entry,
    ),
    cursor: frontier,
    cursorTime: recent?.seq === frontier ? recent.time : 0,
    owner: state.watched,
    marks: 0,
    isForeign: false,
    isExact: true,
    isDistrusted: false,
  };
}

/** Holds the count against what is known, and audits where that is due. */
function judge(before: State, model: Model): State {
  const { rules } = model;
  const state = look(before, model);
  const { count } = state;
  if (state.phase !== "following" || count?.answer === undefined) return state;
  const verdict = rules.countVerdict(
    { sure: count.known, unsure: 0, isExact: count.isExact },
    { sure: knownOf(state), unsure: 0, isExact: state.isExact },
    count.answer.records,
  );
  if (state.isDistrusted || rules.auditIsDue(verdict, state.isExact, 0)) {
    return claimed({ ...audit(state, rules), count: undefined }, { ...state, count: undefined });
  }
  const next = { ...state, count: undefined };
  return verdict === "equal" ? claimed(next, state) : next;
}

function audit(state: State, rules: Rules): State {
  let removed = 0;
  const entries = state.entries.map((held, key) => {
    const record = state.records.find((other) => other.key === key);
    if (record?.isPut === false) removed |= 1 << key;
    const head =
      record === undefined
        ? undefined
        : ({
            kind: record.isPut ? "put" : "delete",
            version: versionOf(record.seq),
            timeMs: record.time,
          } as const);
    const verdict = rules.judgeKey(held === undefined ? undefined : entryOf(held), head);
    if (verdict === "same") return held;
    return verdict === "extra" ? undefined : record;
  });
  return { ...state, entries, removed, isExact: true, isDistrusted: false };
}

/** The replica says that the copy is the bucket, as of the answer that it has; nobody can hold a later loss against it. */
function claimed(state: State, { count, phase }: State): State {
  if (state.phase !== "following" || phase !== "following") return state;
  if (count?.isOld !== true && !isBucket(state))
    throw new Diverged("said to be in sync, and is not");
  return state;
}
