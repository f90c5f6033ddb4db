import type { BucketStream } from "../../src/in-process/bucket-stream.js";
import type { StoredRecord } from "../../src/in-process/record.js";

/** What a key had for a while, as the bucket showed it. */
export interface KeyState {
  /** Its last record; `undefined`: there was none. */
  readonly record: StoredRecord | undefined;
  /** Virtual time. */
  readonly from: number;
  until: number;
  /** How the next one came: by a record, which watches are told; without a word; by a roll back. */
  ended: "open" | "told" | "silently" | "rolled-back";
  /** It went silently from under a watch that was at work and had not come to it: the next count may notice, nothing before. */
  isUnheard: boolean;
}

/** A making of the bucket. */
export interface Making {
  readonly number: number;
  readonly created: string;
  readonly stream: BucketStream;
  /** By key, since its making; every one begins with no record. */
  readonly keys: Map<string, KeyState[]>;
  readonly madeAt: number;
  deletedAt: number;
  lastSeen: number;
  /** Its oldest record's sequence, and since when it was that. */
  readonly floors: { readonly at: number; readonly first: number }[];
  rollBacks: number;
  /** 0: never. */
  rolledBackAt: number;
}

/** Knows what the bucket held at any time, from the bucket itself, past everything that is tested. */
export class Oracle {
  readonly keys: readonly string[];
  readonly #now: () => number;
  readonly makings: Making[] = [];
  /** Whether a watch that is at work now has delivered what has this sequence. `undefined`: none is at work. */
  hasHeard: (sequence: number) => boolean | undefined = () => undefined;

  constructor(keys: readonly string[], now: () => number) {
    this.keys = keys;
    this.#now = now;
  }

  /** The bucket that there is; `undefined` while it is deleted. */
  get present(): Making | undefined {
    const last = this.makings.at(-1);
    return last?.deletedAt === Infinity ? last : undefined;
  }

  /** The bucket was made. */
  made(stream: BucketStream): void {
    const now = this.#now();
    const making: Making = {
      number: this.makings.length,
      created: stream.identity.created,
      stream,
      keys: new Map(this.keys.map((key) => [key, [open(undefined, now)]])),
      madeAt: now,
      deletedAt: Infinity,
      lastSeen: 0,
      floors: [{ at: now, first: stream.log.firstSequence }],
      rollBacks: 0,
      rolledBackAt: 0,
    };
    this.makings.push(making);
    stream.subscribe(() => this.#changed(making));
  }

  #changed(making: Making): void {
    const now = this.#now();
    const { stream } = making;
    if (stream.deleted) {
      making.deletedAt = Math.min(making.deletedAt, now);
      return;
    }
    const rolledBack = stream.rollBacks !== making.rollBacks;
    making.rollBacks = stream.rollBacks;
    if (rolledBack) making.rolledBackAt = now;
    const first = stream.log.firstSequence;
    if (making.floors.at(-1)?.first !== first) making.floors.push({ at: now, first });
    if (!rolledBack) {
      stream.log.visitAfter(making.lastSeen, (record) => {
        moveOn(making, record.key, record, now, "told");
        return true;
      });
    }
    making.lastSeen = stream.log.lastSequence;
    for (const key of this.keys) {
      const last = stream.log.last(key);
      const state = making.keys.get(key)?.at(-1);
      // After a roll back positions mean something else, for every key.
      if (state?.record === last && !rolledBack) continue;
      // A marker that goes changes nothing that can be read.
      if (state?.record !== undefined && !rolledBack) {
        this.#noteUnheard(making.keys.get(key) ?? []);
      }
      moveOn(making, key, last, now, rolledBack ? "rolled-back" : "silently");
    }
  }

  /** What the last one took the place of before it was heard is gone as well. */
  #noteUnheard(states: readonly KeyState[]): void {
    for (const state of states.toReversed()) {
      const { record } = state;
      if (record === undefined || this.hasHeard(record.sequence) !== false) return;
      state.isUnheard = true;
    }
  }

  /** The last record of the key; `undefined` where there is none. */
  recordOf(key: string): StoredRecord | undefined {
    return this.present?.stream.log.last(key);
  }

  /** Whether the bucket forgets what grows old. */
  get isMortal(): boolean {
    const { maxAgeMs, markerTtlMs } = this.makings.at(-1)?.stream.identity.config ?? {};
    return maxAgeMs !== undefined || markerTtlMs !== undefined;
  }

  get lastSequence(): number {
    return this.present?.stream.log.lastSequence ?? 0;
  }
}

function open(record: StoredRecord | undefined, from: number): KeyState {
  return { record, from, until: Infinity, ended: "open", isUnheard: false };
}

function moveOn(
  making: Making,
  key: string,
  record: StoredRecord | undefined,
  now: number,
  how: KeyState["ended"],
): void {
  const states = making.keys.get(key);
  const last = states?.at(-1);
  if (states === undefined || last === undefined) return;
  last.until = now;
  last.ended = how;
  states.push(open(record, now));
}

/** The sequence of the oldest record at that time; 0 where a roll back came after it, or nothing is known. */
export function floorAt({ floors, rolledBackAt }: Making, time: number): number {
  if (rolledBackAt >= time) return 0;
  return floors.findLast(({ at }) => at <= time)?.first ?? 0;
}

/** What the key shows in this state: its value's record. */
export function valueIn({ record }: KeyState): StoredRecord | undefined {
  return record?.kind === "put" ? record : undefined;
}

/** The stretches between roll backs. */
export function segmentsOf(states: readonly KeyState[]): [from: number, to: number][] {
  const segments: [number, number][] = [];
  let from = 0;
  for (const [index, { ended }] of states.entries()) {
    if (ended !== "rolled-back") continue;
    segments.push([from, index + 1]);
    from = index + 1;
  }
  return [...segments, [from, states.length]];
}
