import { type BucketKind, overdueMs } from "./bucket-kind.js";
import { liveKeys, NONE, type State, type StreamRecord, TICK_MS } from "./world.js";

/** How much may happen in one history, to which kind of bucket. */
export interface Bounds extends BucketKind {
  readonly keys: number;
  /** Messages stored, by all makings of the bucket together; not counted what the bucket stores itself. */
  readonly appends: number;
  /** Silent losses: purges, evictions, a bucket made again, a store rolled back. */
  readonly losses: number;
  /** Crashes of the process, lines cut. */
  readonly faults: number;
  /** The only losses that happen. Default: all. */
  readonly only?: readonly Loss[];
  /** Whether losses happen only while no process runs. Default false. */
  readonly onlyWhileDown?: boolean;
  /** How often time passes: as much as a record lives that does not live for ever. Default 0. */
  readonly ticks?: number;
  /** `narrow`: the last key is not followed. `widens`: it is from some restart on. Default: every key is. */
  readonly scope?: "narrow" | "widens";
}

/**
 * How a stream silently loses what it had. `lose one`: a purge of one key, a purged marker, a deleted message, the oldest one evicted.
 * `overrun`: all but the newest record evicted, past the position.
 */
export type Loss = "lose one" | "overrun" | "purge all" | "make again" | "roll back";

export interface Move {
  readonly name: string;
  readonly to: State;
}

/**
 * A roll back counts for two. With one more loss in the same short time the replica can be fooled: the backup brings back a record that was
 * replaced before the replica read it, at a sequence that it has passed, and before the next count another key is lost. What
 * was delivered last is still there, and the numbers agree. The next audit finds it.
 */
const ROLL_BACK_COST = 2;
/** So late a bucket drops what is over, at most. */
const DROP_LAG_MS = TICK_MS / 2;

/** All that the world can do next, the replica apart. */
export function happenings(state: State, bounds: Bounds): Move[] {
  const moves: Move[] = [];
  const { records, phase } = state;
  if (state.appends < bounds.appends) {
    for (let key = 0; key < bounds.keys; key += 1) {
      moves.push({ name: `put ${key}`, to: store(state, { key, isPut: true }) });
      if (hasTimesToLive(bounds)) {
        const to = store(state, { key, isPut: true, isMortal: true });
        moves.push({ name: `put ${key} for a while`, to });
      }
      const isLive = records.some((record) => record.key === key && record.isPut);
      if (isLive) moves.push({ name: `delete ${key}`, to: store(state, { key, isPut: false }) });
    }
  }
  if (state.faults < bounds.faults && phase !== "down") {
    moves.push({ name: "crash", to: crashed(state) });
    if (!state.isLost && phase !== "opening") {
      moves.push({ name: "cut", to: { ...state, isLost: true, faults: state.faults + 1 } });
    }
  }
  if (bounds.scope === "widens" && phase === "down" && state.isNarrow) {
    moves.push({ name: "widen", to: { ...state, isNarrow: false } });
  }
  moves.push(...agings(state, bounds), ...losses(state, bounds));
  return moves.map(({ name, to }) => ({ name, to: stillLive(to) }));
}

function hasTimesToLive({ forgets }: Bounds): boolean {
  return forgets === "time to live" || forgets === "markers";
}

/** Of a key that had no value for a moment, a listing can tell anything. */
function stillLive(state: State): State {
  const { audit } = state;
  return audit === undefined
    ? state
    : { ...state, audit: { ...audit, live: audit.live & liveKeys(state) } };
}

function agings(state: State, bounds: Bounds): Move[] {
  const moves: Move[] = [];
  const tick = Math.floor(state.clock / TICK_MS);
  if (tick < (bounds.ticks ?? 0)) {
    const later: State = { ...state, clock: (tick + 1) * TICK_MS, expired: 0 };
    moves.push({ name: "time passes", to: withoutLongOver(later, bounds) });
  }
  for (const record of state.records) {
    if (overdueMs(record, state.clock, bounds) < 0) continue;
    moves.push({ name: `${record.seq} expires`, to: expire(state, record, bounds) });
  }
  return moves;
}

function withoutLongOver(state: State, bounds: Bounds): State {
  let left = state;
  for (const record of state.records) {
    const isLongOver = overdueMs(record, state.clock, bounds) > DROP_LAG_MS;
    if (isLongOver) left = expire(left, record, bounds);
  }
  return left;
}

function expire(state: State, gone: StreamRecord, { forgets }: Bounds): State {
  const left = { ...state, records: state.records.filter((record) => record !== gone) };
  if (forgets !== "markers" || !gone.isPut) return left;
  const marker = { key: gone.key, isPut: false, isMortal: true, isExpiry: true };
  return { ...store(left, marker), appends: state.appends };
}

function losses(state: State, bounds: Bounds): Move[] {
  const moves: Move[] = [];
  const { records, phase, backup, cursor, last } = state;
  if (state.losses >= bounds.losses) return moves;
  if (bounds.onlyWhileDown === true && phase !== "down") return moves;
  const loses = (loss: Loss, change: Partial<State>, cost = 1): void => {
    if (bounds.only?.includes(loss) === false || state.losses + cost > bounds.losses) return;
    moves.push({ name: loss, to: lose(state, change, cost) });
  };
  for (const { seq } of records) {
    loses("lose one", { records: records.filter((record) => record.seq !== seq) });
  }
  if (cursor !== NONE && last > cursor + 1) loses("overrun", { records: records.slice(-1) });
  if (records.length > 0) loses("purge all", { records: [] });
  const gone = { isLost: phase !== "down" };
  if (last > 0) {
    const madeAt = state.clock + 1;
    const anew = { made: state.made + 1, madeAt, clock: madeAt, last: 0, records: [] };
    loses("make again", { ...gone, ...anew, backup: undefined });
  }
  if (backup !== undefined && backup.last < last) {
    const { last: to, records: back } = backup;
    const restored = withoutLongOver({ ...state, last: to, records: back }, bounds);
    loses("roll back", { ...restored, ...gone }, ROLL_BACK_COST);
  }
  const isOfUse = backup === undefined && bounds.only?.includes("roll back") !== false;
  if (isOfUse && state.losses + ROLL_BACK_COST <= bounds.losses) {
    moves.push({ name: "back up", to: { ...state, backup: { last, records } } });
  }
  return moves;
}

function store(
  state: State,
  message: Pick<StreamRecord, "key" | "isPut"> & Partial<StreamRecord>,
): State {
  const time = state.clock + 1;
  const last = state.last + 1;
  const record = { isMortal: false, isExpiry: false, ...message, seq: last, time };
  const records = [...state.records.filter((other) => other.key !== record.key), record];
  return { ...state, last, records, clock: time, appends: state.appends + 1 };
}

function lose(state: State, change: Partial<State>, cost: number): State {
  const count = state.count === undefined ? undefined : { ...state.count, isOld: true };
  const audit = state.audit === undefined ? undefined : { ...state.audit, isOld: true };
  return { ...state, ...change, count, audit, losses: state.losses + cost };
}

/** What is on disk stays. */
function crashed(state: State): State {
  return {
    ...state,
    phase: "down",
    isLost: false,
    levelAt: 0,
    frontier: 0,
    recent: undefined,
    watched: NONE,
    marks: 0,
    expired: 0,
    removed: state.removed.map(() => undefined),
    isForeign: false,
    isExact: false,
    isDistrusted: false,
    count: undefined,
    audit: undefined,
    faults: state.faults + 1,
  };
}
