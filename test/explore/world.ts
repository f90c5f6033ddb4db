import type { KnownCount } from "../../src/rules/index.js";

/** A record of the stream. `time` is when it was stored, and never the same twice: by it records of one sequence are told apart. */
export interface StreamRecord {
  readonly seq: number;
  readonly key: number;
  readonly isPut: boolean;
  readonly time: number;
  /** Whether it has a time to live of its own: one tick ({@link TICK_MS}). */
  readonly isMortal: boolean;
  /** Left by the bucket itself for what was over. */
  readonly isExpiry: boolean;
}

/** So far time moves at once: much more than any tolerance of the rules. What happens in between takes 1 ms each. */
export const TICK_MS = 100_000;

/** No position. */
export const NONE = -1;

/**
 * `down`: no process. `opening`: the loop is about to open a watch. `filling`: a full state comes into an empty copy.
 * `repairing`: into one that holds something. `following`: what comes after.
 */
export type Phase = "down" | "opening" | "filling" | "repairing" | "following";

/** A count of the bucket's keys under way. */
export interface Count {
  /** When the question was put. */
  readonly known: KnownCount;
  /** The answer, with the stream's end at that moment; left out while it has not come. */
  readonly answer: { readonly records: number; readonly end: number } | undefined;
  /** Whether the stream lost something since the answer: what the count then says is of a moment before. */
  readonly isOld: boolean;
}

/** A comparison of the copy with the bucket's records under way, beside the flow. */
export interface Audit {
  /** What the listing brings, by key. */
  readonly listed: readonly (StreamRecord | undefined)[];
  /** The stream's end when it was read; left out while it is. */
  readonly end: number | undefined;
  /** Bits of keys: changed in the copy since; with a value in the bucket ever since. */
  readonly touched: number;
  readonly live: number;
  /** Bits of keys with a record that is over: it is left to go. */
  readonly left: number;
  /** What is to become of a key, with the record that was fetched; left out while nothing was judged. */
  readonly found: readonly (Finding | undefined)[] | undefined;
  /** Whether the stream lost something since. */
  readonly isOld: boolean;
}

export interface Finding {
  /** `undefined`: it goes. */
  readonly record: StreamRecord | undefined;
}

/** Everything there is: the stream, the copy on disk, the process that keeps it, and what has happened so far. */
export interface State {
  // The stream. A bucket keeps one record per key.
  made: number;
  last: number;
  records: readonly StreamRecord[];
  backup: { readonly last: number; readonly records: readonly StreamRecord[] } | undefined;
  /** When this making of the bucket began. */
  madeAt: number;
  /** In ms. */
  clock: number;
  // The copy on disk: the last put of each key, the position with its time (0: not known), and whose it is.
  entries: readonly (StreamRecord | undefined)[];
  cursor: number;
  cursorTime: number;
  owner: number;
  /** Whether its position is of the narrow scope. */
  isOwnerNarrow: boolean;
  // The process.
  /** Whether it follows the narrow scope only. */
  isNarrow: boolean;
  /** When the copy was last level, as far as this process knows; 0: not yet. */
  levelAt: number;
  phase: Phase;
  /** The line is down, or the consumer gone. */
  isLost: boolean;
  frontier: number;
  /** The message delivered last. */
  recent: StreamRecord | undefined;
  /** The making of the bucket that is watched. */
  watched: number;
  /** Bits of keys: those a repair has seen, those that the copy let expire by its clock. */
  marks: number;
  expired: number;
  /** The removals that are known, by key. */
  removed: readonly (StreamRecord | undefined)[];
  isForeign: boolean;
  /** Whether `removed` are all removals that the bucket can have. */
  isExact: boolean;
  /** Whether an audit is due whatever a count says. */
  isDistrusted: boolean;
  count: Count | undefined;
  audit: Audit | undefined;
  // What has been spent of what may happen.
  appends: number;
  losses: number;
  faults: number;
}

export function emptyWorld(keys: number, isNarrow: boolean): State {
  const nothing = Array.from({ length: keys }, () => undefined);
  return {
    made: 1,
    madeAt: 0,
    last: 0,
    records: [],
    backup: undefined,
    clock: 0,
    entries: nothing,
    cursor: NONE,
    cursorTime: 0,
    owner: 0,
    isOwnerNarrow: isNarrow,
    isNarrow,
    levelAt: 0,
    phase: "down",
    isLost: false,
    frontier: 0,
    recent: undefined,
    watched: 0,
    marks: 0,
    expired: 0,
    removed: nothing,
    isForeign: false,
    isExact: false,
    isDistrusted: false,
    count: undefined,
    audit: undefined,
    appends: 0,
    losses: 0,
    faults: 0,
  };
}

export function firstOf({ records, last }: State): number {
  return records[0]?.seq ?? last + 1;
}

export function recordAt({ records }: State, seq: number): StreamRecord | undefined {
  return records.find((record) => record.seq === seq);
}

/** The next that the replica follows. */
export function nextAfter(state: State, seq: number): StreamRecord | undefined {
  return state.records.find((record) => record.seq > seq && follows(state, record.key));
}

/** Whether the replica follows the key: in the narrow scope all but the last. */
export function follows({ isNarrow, entries }: State, key: number): boolean {
  return !isNarrow || key < entries.length - 1;
}

/** Bits of the keys that have a value in the bucket. */
export function liveKeys({ records }: State): number {
  let live = 0;
  for (const { key, isPut } of records) if (isPut) live |= 1 << key;
  return live;
}
