import { NONE, type State, type StreamRecord } from "./world.js";

/** How much may happen in one history. */
export interface Bounds {
  readonly keys: number;
  /** Messages stored, by all makings of the bucket together. */
  readonly appends: number;
  /** Silent losses: purges, evictions, a bucket made again, a store rolled back. */
  readonly losses: number;
  /** Crashes of the process, lines cut. */
  readonly faults: number;
  /** The only losses that happen. Default: all. */
  readonly only?: readonly Loss[];
  /** Whether losses happen only while no process runs. Default false. */
  readonly onlyWhileDown?: boolean;
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

/** All that the world can do next, the replica apart. */
export function happenings(state: State, bounds: Bounds): Move[] {
  const moves: Move[] = [];
  const { records, phase } = state;
  if (state.appends < bounds.appends) {
    for (let key = 0; key < bounds.keys; key += 1) {
      moves.push({ name: `put ${key}`, to: append(state, key, true) });
      const isLive = records.some((record) => record.key === key && record.isPut);
      if (isLive) moves.push({ name: `delete ${key}`, to: append(state, key, false) });
    }
  }
  if (state.faults < bounds.faults && phase !== "down") {
    moves.push({ name: "crash", to: crashed(state) });
    if (!state.isLost && phase !== "opening") {
      moves.push({ name: "cut", to: { ...state, isLost: true, faults: state.faults + 1 } });
    }
  }
  return [...moves, ...losses(state, bounds)];
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
    const anew = { made: state.made + 1, last: 0, records: [], backup: undefined };
    loses("make again", { ...gone, ...anew });
  }
  if (backup !== undefined && backup.last < last) {
    const { last: to, records: back } = backup;
    loses("roll back", { ...gone, last: to, records: back }, ROLL_BACK_COST);
  }
  const isOfUse = backup === undefined && bounds.only?.includes("roll back") !== false;
  if (isOfUse && state.losses + ROLL_BACK_COST <= bounds.losses) {
    moves.push({ name: "back up", to: { ...state, backup: { last, records } } });
  }
  return moves;
}

function append(state: State, key: number, isPut: boolean): State {
  const time = state.clock + 1;
  const last = state.last + 1;
  const record: StreamRecord = { seq: last, key, isPut, time };
  const records = [...state.records.filter((other) => other.key !== key), record];
  return { ...state, last, records, clock: time, appends: state.appends + 1 };
}

function lose(state: State, change: Partial<State>, cost: number): State {
  const count = state.count === undefined ? undefined : { ...state.count, isOld: true };
  return { ...state, ...change, count, losses: state.losses + cost };
}

/** What is on disk stays. */
function crashed(state: State): State {
  return {
    ...state,
    phase: "down",
    isLost: false,
    frontier: 0,
    recent: undefined,
    watched: NONE,
    marks: 0,
    removed: 0,
    isForeign: false,
    isExact: false,
    isDistrusted: false,
    count: undefined,
    faults: state.faults + 1,
  };
}
