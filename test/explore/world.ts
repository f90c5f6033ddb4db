/** A record of the stream. `time` is when it was stored, and never the same twice: by it records of one sequence are told apart. */
export interface StreamRecord {
  readonly seq: number;
  readonly key: number;
  readonly isPut: boolean;
  readonly time: number;
}

/** No position. */
export const NONE = -1;

/**
 * `down`: no process. `opening`: the loop is about to open a watch. `filling`: a full state comes into an empty copy.
 * `repairing`: into one that holds something. `following`: what comes after.
 */
export type Phase = "down" | "opening" | "filling" | "repairing" | "following";

/** A count of the bucket's keys under way. */
export interface Count {
  /** Keys known when the question was put, and whether they were all. */
  readonly known: number;
  readonly isExact: boolean;
  /** The answer, with the stream's end at that moment; left out while it has not come. */
  readonly answer: { readonly records: number; readonly end: number } | undefined;
  /** Whether the stream lost something since the answer: what the count then says is of a moment before. */
  readonly isOld: boolean;
}

/** Everything there is: the stream, the copy on disk, the process that keeps it, and what has happened so far. */
export interface State {
  // The stream. A bucket keeps one record per key.
  made: number;
  last: number;
  records: readonly StreamRecord[];
  backup: { readonly last: number; readonly records: readonly StreamRecord[] } | undefined;
  clock: number;
  // The copy on disk: the last put of each key, the position with its time (0: not known), and whose it is.
  entries: readonly (StreamRecord | undefined)[];
  cursor: number;
  cursorTime: number;
  owner: number;
  // The process.
  phase: Phase;
  /** The line is down, or the consumer gone. */
  isLost: boolean;
  frontier: number;
  /** The message delivered last. */
  recent: StreamRecord | undefined;
  /** The making of the bucket that is watched. */
  watched: number;
  /** Bits of keys: those a repair has seen, those known to be removed. */
  marks: number;
  removed: number;
  isForeign: boolean;
  /** Whether `removed` are all removals that the bucket can have. */
  isExact: boolean;
  /** Whether an audit is due whatever a count says. */
  isDistrusted: boolean;
  count: Count | undefined;
  // What has been spent of what may happen.
  appends: number;
  losses: number;
  faults: number;
}

export function emptyWorld(keys: number): State {
  return {
    made: 1,
    last: 0,
    records: [],
    backup: undefined,
    clock: 0,
    entries: Array.from({ length: keys }, () => undefined),
    cursor: NONE,
    cursorTime: 0,
    owner: 0,
    phase: "down",
    isLost: false,
    frontier: 0,
    recent: undefined,
    watched: 0,
    marks: 0,
    removed: 0,
    isForeign: false,
    isExact: false,
    isDistrusted: false,
    count: undefined,
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

export function nextAfter({ records }: State, seq: number): StreamRecord | undefined {
  return records.find((record) => record.seq > seq);
}

/** Whether the copy is the bucket, record by record. */
export function isBucket({ entries, records }: State): boolean {
  let live = 0;
  for (const { key, isPut, seq, time } of records) {
    if (!isPut) continue;
    live += 1;
    const held = entries[key];
    if (held === undefined || held.seq !== seq || held.time !== time) return false;
  }
  return live === entries.filter((entry) => entry !== undefined).length;
}

/**
 * One text for all states that behave alike: keys go by where they stand first, times by which of them are equal, makings by which of
 * them is the present one.
 */
export function keyOf(state: State): string {
  const { count, backup, made, records, entries, recent } = state;
  const order = keysInOrder(state);
  const rank: number[] = [];
  for (const [place, key] of order.entries()) rank[key] = place;
  const times: number[] = [0];
  const timeOf = (time: number): number => {
    const known = times.indexOf(time);
    return known >= 0 ? known : times.push(time) - 1;
  };
  const told = (record: StreamRecord | undefined): string =>
    record === undefined
      ? "-"
      : `${record.seq}${record.isPut ? "p" : "d"}${rank[record.key]}t${timeOf(record.time)}`;
  const bits = (keys: number): string => order.map((key) => (keys >> key) & 1).join("");
  let text = `${state.last} ${records.map(told).join()} `;
  if (backup !== undefined) text += `${backup.last}:${backup.records.map(told).join()}`;
  text += ` ${order.map((key) => told(entries[key])).join()} ${state.cursor},${timeOf(state.cursorTime)}`;
  text += flags(state.owner === made, state.watched === made, state.isLost, state.isForeign);
  text += `${flags(state.isExact, state.isDistrusted)}${state.phase} ${state.frontier}${told(recent)}`;
  text += ` ${bits(state.marks)}${bits(state.removed)}`;
  if (count !== undefined) {
    text += `${count.known},${count.answer?.records},${count.answer?.end}`;
    text += flags(count.isExact, count.isOld);
  }
  return `${text} ${state.appends},${state.losses},${state.faults}`;
}

function flags(...set: readonly boolean[]): string {
  return set.map(Number).join("");
}

function keysInOrder({ records, backup, entries, recent }: State): number[] {
  const held = entries.filter((entry) => entry !== undefined);
  held.sort((a, b) => a.seq - b.seq);
  const known = [...records, ...(backup?.records ?? []), ...held];
  if (recent !== undefined) known.push(recent);
  const keys = new Set(known.map(({ key }) => key));
  for (const key of entries.keys()) keys.add(key);
  return [...keys];
}
