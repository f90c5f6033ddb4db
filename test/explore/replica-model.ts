import * as production from "../../src/rules/index.js";
import { datedOf, limitsOf } from "./bucket-kind.js";
import { checks, besideTheFlow } from "./checks-model.js";
import { claimed, Diverged } from "./claims.js";
import type { Bounds, Move } from "./happenings.js";
import { cursorOf, entryOf, type Model, nanosOf, type Rules } from "./rules-in-play.js";
import {
  firstOf,
  follows,
  nextAfter,
  NONE,
  recordAt,
  type State,
  type StreamRecord,
} from "./world.js";

export const productionModel: Model = { rules: production, counts: true };

/** What the replica can do next; nothing where it is down. Throws {@link Diverged}. */
export function replicaMoves(state: State, model: Model, bounds: Bounds): Move[] {
  const { phase } = state;
  if (phase === "down") return [{ name: "start", to: { ...state, phase: "opening" } }];
  if (phase === "opening") return [{ name: "open", to: open(state, model, bounds) }];
  const expiries = letExpire(state, model, bounds);
  if (state.isLost) {
    const reopened: State = { ...state, phase: "opening", isLost: false, count: undefined };
    return [
      { name: "reconnect", to: reconnect(state, model, bounds) },
      // What the source does not mend in a few seconds, the loop does.
      { name: "give up", to: reopened },
      ...expiries,
    ];
  }
  const next = nextAfter(state, state.frontier);
  const beside = [...besideTheFlow(state, model, bounds), ...expiries];
  if (next !== undefined) {
    return [{ name: `deliver ${next.seq}`, to: deliver(state, next, model, bounds) }, ...beside];
  }
  if (state.frontier < state.last || phase !== "following") {
    return [{ name: "bookmark", to: bookmark(state, model, bounds) }, ...beside];
  }
  return [...level(state, model, bounds), ...expiries];
}

/** Looks at the stream, and where that is still the one that was watched, checks. */
function level(state: State, model: Model, bounds: Bounds): Move[] {
  const isDecisive = !model.counts || keeps(bounds) || state.count?.answer !== undefined;
  if (!isDecisive) return checks(state, model, bounds);
  const looked = look(state, model, bounds);
  if (!model.counts) return [{ name: "look", to: claimed(looked, state, model, bounds) }];
  if (looked.phase !== "following") return [{ name: "look", to: looked }];
  return checks(looked, model, bounds);
}

function keeps(bounds: Bounds): boolean {
  return production.retains(bounds.evictions ?? "mirror", limitsOf(bounds));
}

/** What is over by the bucket's clock goes from a copy that mirrors, line or no line. */
function letExpire(state: State, { rules }: Model, bounds: Bounds): Move[] {
  if (bounds.forgets === undefined || bounds.evictions === "retain") return [];
  const limits = limitsOf(bounds);
  let gone = 0;
  for (const [key, entry] of state.entries.entries()) {
    if (entry === undefined || !follows(state, key)) continue;
    if (rules.expiresAtMs(datedOf(entry), limits) <= state.clock) gone |= 1 << key;
  }
  if (gone === 0) return [];
  const isGone = (key: number): boolean => (gone & (1 << key)) !== 0;
  const to: State = {
    ...touched(state, gone),
    entries: state.entries.map((entry, key) => (isGone(key) ? undefined : entry)),
    removed: state.removed.map((marker, key) => (isGone(key) ? undefined : marker)),
    expired: state.expired | gone,
  };
  return [{ name: "let expire", to }];
}

function touched(state: State, bits: number): State {
  const { audit } = state;
  if (audit === undefined) return state;
  return { ...state, audit: { ...audit, touched: audit.touched | bits } };
}

function open(state: State, { rules }: Model, bounds: Bounds): State {
  if (state.cursor === NONE) return startOver(state, rules, false);
  const { cursor, cursorTime, last, records, entries, levelAt, clock } = state;
  const limits = limitsOf(bounds);
  const firstSequence = BigInt(firstOf(state));
  const window = { firstSequence, lastSequence: BigInt(last) };
  if (!rules.resumeIsSound(BigInt(cursor), window)) return startOver(state, rules, false);
  if (isForeign(state, rules)) return startOver(state, rules, true);
  const keys = entries.filter((entry) => entry !== undefined).length;
  const kept = { firstSequence, records: records.length };
  const isBacked =
    rules.retains(bounds.evictions ?? "mirror", limits) ||
    rules.bucketAccountsFor({ keys, revision: BigInt(cursor) }, kept);
  if (!isBacked) return startOver(state, rules, false);
  const record = recordAt(state, cursor);
  if (rules.isRolledBack(nanosOf(cursorTime), timed(record))) return startOver(state, rules, true);
  const isProven = cursorTime !== 0 && record !== undefined;
  const sinceStored = cursorTime === 0 ? undefined : clock - cursorTime;
  const offlineMs = levelAt === 0 ? sinceStored : clock - levelAt;
  const isDoubtful = !isProven && state.isExact;
  return {
    ...state,
    phase: "following",
    frontier: cursor,
    recent: undefined,
    watched: state.made,
    isDistrusted:
      state.isDistrusted || isDoubtful || keeps(bounds) || !rules.markersOutlast(offlineMs, limits),
    count: undefined,
  };
}

function timed(record: StreamRecord | undefined): { readonly timeMs: number } | undefined {
  return record === undefined ? undefined : { timeMs: record.time };
}

function isForeign({ owner, made, isOwnerNarrow, isNarrow }: State, rules: Rules): boolean {
  return rules.mayResume(identityOf(owner, isOwnerNarrow), identityOf(made, isNarrow)) !== "yes";
}

function identityOf(created: number, isNarrow: boolean) {
  return { bucket: "b", created: String(created), scope: isNarrow ? ["followed."] : [""] };
}

/** The full state comes. Into a copy that holds anything as a repair; an empty one gets positions along the way. */
function startOver(state: State, rules: Rules, isFoundForeign: boolean): State {
  const mustRepair = state.entries.some((entry) => entry !== undefined);
  return {
    ...state,
    cursor: NONE,
    cursorTime: 0,
    owner: mustRepair ? state.owner : state.made,
    isOwnerNarrow: mustRepair ? state.isOwnerNarrow : state.isNarrow,
    phase: mustRepair ? "repairing" : "filling",
    isLost: false,
    frontier: 0,
    recent: undefined,
    watched: state.made,
    marks: 0,
    expired: 0,
    removed: state.removed.map(() => undefined),
    isForeign: mustRepair && (isFoundForeign || isForeign(state, rules)),
    isExact: false,
    count: undefined,
    audit: undefined,
  };
}

/** The source goes on where it was, if the stream is still the one that it was. */
function reconnect(state: State, model: Model, bounds: Bounds): State {
  const looked = look({ ...state, count: undefined }, model, bounds);
  if (looked.phase === "opening") return open(looked, model, bounds);
  // What the copy had been told is no longer known to be the stream's: only records can tell.
  const isProven = state.recent !== undefined && recordAt(state, state.recent.seq) !== undefined;
  // A check is due at once; of a copy that retains that is no count.
  const isDoubtful = keeps(bounds) || (!isProven && state.phase === "following");
  const isDistrusted = looked.isDistrusted || isDoubtful;
  return { ...looked, isLost: false, isDistrusted };
}

/** A look at the stream; `opening` where the watch must end. Level with it, what lies below its beginning goes. */
function look(state: State, { rules }: Model, bounds: Bounds): State {
  const { recent, made, last, frontier, clock } = state;
  const found = recent === undefined ? undefined : recordAt(state, recent.seq);
  const isOther =
    state.watched !== made ||
    last < frontier ||
    (recent !== undefined && rules.isRolledBack(nanosOf(recent.time), timed(found)));
  if (isOther) return startOver(state, rules, false);
  if (state.phase !== "following" || frontier < last) return state;
  const evictions = bounds.evictions ?? "mirror";
  const floor = cursorOf(firstOf(state));
  const facts = { floor, evictions, limits: limitsOf(bounds), serverTimeMs: clock };
  let gone = 0;
  const entries = state.entries.map((entry, key) => {
    if (entry === undefined || !follows(state, key)) return entry;
    if (rules.removalBelowFloor(entryOf(entry), facts) === undefined) return entry;
    gone |= 1 << key;
    return undefined;
  });
  return gone === 0 ? state : { ...touched(state, gone), entries };
}

function deliver(state: State, record: StreamRecord, model: Model, bounds: Bounds): State {
  const { rules } = model;
  const { seq, key, isPut, isExpiry, time } = record;
  const bit = 1 << key;
  const held = state.entries[key];
  const isRepair = state.phase === "repairing";
  if (state.phase === "following" && held !== undefined && held.time > time) {
    throw new Diverged("went back");
  }
  const moved: State = {
    ...state,
    frontier: seq,
    recent: record,
    ...(isRepair ? {} : { cursor: seq, cursorTime: time }),
  };
  // As if it had not come, but for the position.
  const isLeftOut = isExpiry && rules.outlives({ reason: "expired" }, bounds.evictions ?? "mirror");
  const isHeld =
    isRepair && isPut && held !== undefined && rules.sameRecord(entryOf(held), entryOf(record));
  const applied: State = isLeftOut
    ? moved
    : {
        ...touched(moved, bit),
        entries: isHeld ? state.entries : replaced(state.entries, key, isPut ? record : undefined),
        marks: isRepair ? state.marks | bit : 0,
        expired: state.expired & ~bit,
        removed: replaced(state.removed, key, isPut ? undefined : record),
      };
  return nextAfter(applied, seq) === undefined ? caughtUp(applied, model, bounds) : applied;
}

function replaced(
  of: readonly (StreamRecord | undefined)[],
  key: number,
  by: StreamRecord | undefined,
): readonly (StreamRecord | undefined)[] {
  return of.map((record, at) => (at === key ? by : record));
}

/** A heartbeat tells how far the stream has got without anything for us. */
function bookmark(state: State, model: Model, bounds: Bounds): State {
  const { last, frontier } = state;
  const moved = last > frontier;
  const isPositioned = state.phase !== "repairing" && (moved || state.cursor === NONE);
  const at: State = {
    ...state,
    frontier: last,
    ...(isPositioned ? { cursor: last, cursorTime: 0 } : {}),
  };
  return caughtUp(at, model, bounds);
}

/** Nothing more is pending. */
function caughtUp(before: State, { rules }: Model, bounds: Bounds): State {
  const state = bounds.forgets === undefined ? before : { ...before, levelAt: before.clock };
  if (state.phase === "following") return state;
  if (state.phase === "filling") return { ...state, phase: "following", isExact: true };
  const drops = rules.dropsUnseen(state.isForeign, bounds.evictions ?? "mirror", limitsOf(bounds));
  const { frontier, recent, marks } = state;
  const isSeen = (key: number): boolean => !follows(state, key) || (marks & (1 << key)) !== 0;
  return {
    ...state,
    phase: "following",
    entries: state.entries.map((entry, key) => (drops && !isSeen(key) ? undefined : entry)),
    cursor: frontier,
    cursorTime: recent?.seq === frontier ? recent.time : 0,
    owner: state.watched,
    isOwnerNarrow: state.isNarrow,
    marks: 0,
    isForeign: false,
    isExact: true,
    isDistrusted: state.isDistrusted && keeps(bounds),
  };
}
