import { expiresAtMs } from "../../src/rules/index.js";
import type { StoredRecord } from "../../src/in-process/record.js";
import { Lineage, type Step } from "./lineage.js";
import { floorAt, type KeyState, type Making, type Oracle, segmentsOf, valueIn } from "./oracle.js";

/** An entry of a copy. */
export interface ShownEntry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly revision: bigint | undefined;
}

/** What a copy shows. */
export type View = ReadonlyMap<string, ShownEntry>;

export interface JudgeOptions {
  readonly oracle: Oracle;
  /** Keys that the copy follows. */
  readonly keys: readonly string[];
  readonly retains: boolean;
  /** Whether it knows when the record at its position was stored. Default: false. */
  readonly keepsTimes?: boolean;
  /** By how much a copy may be wrong about the bucket's time, in milliseconds. */
  readonly clockErrorMs: () => number;
  readonly now: () => number;
}

export function viewOf(entries: Iterable<ShownEntry>): View {
  const view = new Map<string, ShownEntry>();
  for (const entry of entries) view.set(entry.key, entry);
  return view;
}

/** Holds a copy against what the bucket held. Each method gives what is wrong, or `undefined`. */
export class Judge {
  readonly #options: JudgeOptions;
  /** Of the copy. */
  readonly lineage = new Lineage();

  constructor(options: JudgeOptions) {
    this.#options = options;
  }

  /**
   * Whether each key is what it was in the bucket at `since` or later. What went from the bucket silently may still be shown, unless it
   * was older than all that the bucket had by then, which is told: a count finds it; or nothing does, where the copy retains what the bucket forgot. `forgives`: so may what a roll back took, and what came before something that went silently, which was never seen then.
   */
  current(view: View, since: number, forgives: boolean): string | undefined {
    const { oracle, keys, retains } = this.#options;
    const making = oracle.makings.at(-1);
    if (making === undefined || since < making.madeAt) return undefined;
    if (since >= making.deletedAt) return "the bucket is gone";
    const floor = retains ? 0 : floorAt(making, since);
    for (const key of keys) {
      const states = making.keys.get(key) ?? [];
      const { revision = floor } = view.get(key) ?? {};
      if (revision < floor) return `${told(view.get(key), key)}, and the bucket begins at ${floor}`;
      let first = states.length - 1;
      while (first > 0 && (states[first - 1]?.until ?? 0) >= since) first -= 1;
      first = this.#oldestShown(states, first, forgives);
      const shown = view.get(key);
      if (this.#isOneOf(shown, states, first) || this.#isSameInBoth(shown, states)) continue;
      return `${told(shown, key)}, and the bucket had ${states.slice(first).map(toldState).join(", then ")}`;
    }
    return this.#strangers(view);
  }

  /**
   * Whether the copy has all that some making of the bucket had up to its cursor, be it of before a roll back. `reachedAt`: when it had
   * come there, at the latest. A record that had a successor by then, which is yet to come, may have gone before it was read.
   */
  whole(view: View, cursor: bigint | undefined, reachedAt: number): string | undefined {
    if (cursor === undefined) return this.genuine(view);
    const position = Number(cursor);
    let wrong = "";
    for (const making of this.#options.oracle.makings.toReversed()) {
      const problem = this.#wholeIn(making, view, position, reachedAt);
      if (problem === undefined) {
        wrong = "";
        break;
      }
      wrong += `; of making ${making.number} ${problem}`;
    }
    if (wrong !== "") return `at ${position}${wrong}`;
    return this.#strangers(view);
  }

  follows(key: string): boolean {
    return this.#options.keys.includes(key);
  }

  /** Whether the key shows what this record said, or what came after it. */
  hasReached(view: View, making: Making, record: StoredRecord): string | undefined {
    const states = making.keys.get(record.key) ?? [];
    const index = states.findLastIndex((state) => state.record === record);
    const shown = view.get(record.key);
    const first = this.#oldestShown(states, Math.max(0, index), false);
    if (index < 0 || this.#isOneOf(shown, states, first)) return undefined;
    return `${told(shown, record.key)} after ${record.sequence}`;
  }

  /** The oldest state that a copy may still show which has come to the one at `from`. */
  #oldestShown(states: readonly KeyState[], from: number, forgives: boolean): number {
    let first = from;
    while (first > 0 && this.#lingers(states, first - 1, forgives)) first -= 1;
    const mayBeUnseen = forgives || this.#options.retains;
    const isUnseen = states.slice(first).some(({ ended }) => ended === "silently");
    return (mayBeUnseen && isUnseen) || this.#isKeptOfOld(states, first) ? 0 : first;
  }

  /** Whether it is what the bucket is now. `isRaw`: what is over may still be shown, as a follower shows it. */
  equal(view: View, isRaw: boolean): string | undefined {
    const { oracle, keys, retains } = this.#options;
    for (const key of keys) {
      const record = oracle.recordOf(key);
      const value = record?.kind === "put" ? record : undefined;
      const shown = view.get(key);
      if (isThis(shown, value)) continue;
      if (shown === undefined && value !== undefined && this.#mayBeOver(value)) continue;
      if (this.#isUncovered(shown, key)) continue;
      if (this.#isSameInBoth(shown, oracle.present?.keys.get(key) ?? [])) continue;
      // What the bucket forgot is kept on purpose, and no longer compared with anything.
      if (shown !== undefined && value === undefined && (retains || isRaw)) {
        if ((retains && this.#isOfPresent(shown)) || (!retains && oracle.isMortal)) continue;
      }
      return `${told(shown, key)}, and the bucket has ${value === undefined ? "nothing" : `@${value.sequence}`}`;
    }
    return this.#strangers(view);
  }

  /**
   * Whether what is shown was the last of its key until that was deleted by its number, and an older one of its history came to light; or it
   * expired, and so did its marker, under which an older one had waited. A copy that retains keeps it through every audit.
   */
  #isUncovered(shown: ShownEntry | undefined, key: string): boolean {
    if (!this.#options.retains) return false;
    const states = this.#options.oracle.present?.keys.get(key) ?? [];
    for (let index = states.length - 1; index > 0; index -= 1) {
      const [before, state] = [states[index - 1] as KeyState, states[index] as KeyState];
      const isOlder = (state.record?.sequence ?? Infinity) < (before.record?.sequence ?? 0);
      const isUncovered = before.ended === "silently" && isOlder;
      if (!isUncovered && !this.#isRetained(state)) return false;
      if (isThis(shown, valueIn(before))) return true;
    }
    return false;
  }

  /** Whether it was in the bucket at some time since that was made. */
  #isOfPresent(shown: ShownEntry): boolean {
    const states = this.#options.oracle.present?.keys.get(shown.key) ?? [];
    return states.some((state) => isThis(shown, valueIn(state)));
  }

  /** Whether each entry was in the bucket at some time. */
  genuine(view: View): string | undefined {
    for (const entry of view.values()) {
      const isThere = this.#options.oracle.makings.some((making) =>
        making.keys.get(entry.key)?.some((state) => isThis(entry, valueIn(state))),
      );
      if (!isThere) return `${told(entry)} was never in the bucket`;
    }
    return undefined;
  }

  #strangers(view: View): string | undefined {
    for (const key of view.keys()) {
      if (!this.#options.keys.includes(key)) return `${key} is not of this copy`;
    }
    return undefined;
  }

  #wholeIn(making: Making, view: View, position: number, reachedAt: number): string | undefined {
    for (const key of this.#options.keys) {
      const shown = view.get(key);
      const states = making.keys.get(key) ?? [];
      const isWhole = segmentsOf(states).some(([from, to]) =>
        this.#isOneOf(shown, states, this.#firstWhole(states, from, to, { position, reachedAt })),
      );
      if (isWhole || this.#isOfBefore(making, shown, states, position)) continue;
      return `${told(shown, key)}, and the bucket had ${states.slice(-6).map(toldState).join(", then ")}`;
    }
    return undefined;
  }

  /**
   * Whether the copy has it from before a roll back, and went on in the new history behind it, which said nothing of the key yet: nobody can tell
   * the two apart where the record at its position has gone, or its log does not say when that was stored. It does not call itself
   * live before an audit, to which {@link Judge.current} holds it. Or it retains: then neither a repair nor an audit takes from it what a
   * roll back took from the bucket.
   */
  #isOfBefore(
    making: Making,
    shown: ShownEntry | undefined,
    states: readonly KeyState[],
    position: number,
  ): boolean {
    return segmentsOf(states)
      .slice(0, -1)
      .some(([from, to]) => {
        const rolledBackAt = states[to - 1]?.until ?? 0;
        const wasWhole = (step: Step): boolean => {
          const whole = { position: Number(step.position), reachedAt: step.at };
          const first = this.#firstWhole(states, from, to, whole);
          return this.#isOneOf(shown, states.slice(0, to), first);
        };
        const hasNewsAfter = (left: number, leftAt = 0): boolean =>
          states.slice(to).some(({ record, until }) => {
            const { sequence = 0 } = record ?? {};
            return sequence > left && sequence <= position && !(until < leftAt);
          });
        const kept = this.#options.retains ? this.lineage.wasAt(rolledBackAt) : undefined;
        if (kept !== undefined && kept.at >= making.madeAt && !hasNewsAfter(0) && wasWhole(kept))
          return true;
        const step = this.lineage.resumedFrom(rolledBackAt);
        if (step === undefined || step.at < making.madeAt) return false;
        const left = Number(step.position);
        if (left >= position || this.#isTold(making, left, rolledBackAt)) return false;
        return !hasNewsAfter(left, this.lineage.leftAt(step)) && wasWhole(step);
      });
  }

  /**
   * Whether the key has the same revision in a history that was rolled back while the copy was away as in the one that came after: a log that
   * keeps no times has nothing to tell the two apart, and no listing brings values.
   */
  #isSameInBoth(shown: ShownEntry | undefined, states: readonly KeyState[]): boolean {
    if (this.#options.keepsTimes === true || shown === undefined) return false;
    const segments = segmentsOf(states);
    const [since = 0] = segments.at(-1) ?? [];
    const isThere = states.slice(since).some((state) => {
      return valueIn(state)?.sequence === Number(shown.revision ?? -1n);
    });
    if (!isThere) return false;
    return segments.slice(0, -1).some(([from, to]) => {
      if (this.lineage.resumedFrom(states[to - 1]?.until ?? 0) === undefined) return false;
      return states.slice(from, to).some((state) => isThis(shown, valueIn(state)));
    });
  }

  /**
   * Whether the record at a position tells the history that a copy was of from the one that there is. Of a record of another scope it has no
   * time: it learnt no more than the position.
   */
  #isTold({ stream, keys }: Making, position: number, rolledBackAt: number): boolean {
    if (this.#options.keepsTimes !== true || stream.log.at(position) === undefined) return false;
    const isThere = ({ record, from }: KeyState): boolean =>
      record?.sequence === position && from < rolledBackAt;
    return this.#options.keys.some((key) => keys.get(key)?.some(isThere) === true);
  }

  /** The oldest state that a copy may show which is whole up to a position. */
  #firstWhole(
    states: readonly KeyState[],
    from: number,
    to: number,
    { position, reachedAt }: { readonly position: number; readonly reachedAt: number },
  ): number {
    let first = from;
    for (let index = from; index < to; index += 1) {
      const { record } = states[index] as KeyState;
      if (record !== undefined && record.sequence <= position) first = index;
    }
    first = this.#beforeExpiry(states, from, first);
    // What went silently need never have been seen, nor what had a successor before it was come to.
    while (first > from && states[first]?.ended === "silently") first -= 1;
    const { ended, until } = states[first] as KeyState;
    if (ended === "told" && until <= reachedAt) return 0;
    // Nor what may linger and went so.
    const isUnseen = (index: number): boolean => states[index]?.ended === "silently";
    while (first > from && (this.#lingers(states, first - 1, false) || isUnseen(first))) first -= 1;
    return this.#isMissed(states[first] as KeyState) ? from : first;
  }

  /**
   * Whether a copy that retains came too late for it. A marker that it passes over does not say which record expired: where that was written
   * and went while the copy was away, what the copy had before stays, also where that had been deleted.
   */
  #isMissed({ record, ended, until }: KeyState): boolean {
    const { retains } = this.#options;
    if (!retains || ended !== "told" || record === undefined) return false;
    return until < this.lineage.cameTo(record.sequence);
  }

  /**
   * Whether a roll back took the key, or went to before it and then it expired again: what the key was in an earlier history, a copy that retains
   * may have kept since then.
   */
  #isKeptOfOld(states: readonly KeyState[], first: number): boolean {
    if (!this.#options.retains) return false;
    return states.some((state, index) => {
      if (index <= first) return false;
      const earlier = states.slice(0, index);
      if (this.#isRetained(state)) return earlier.some(({ ended }) => ended === "rolled-back");
      return state.record === undefined && earlier.at(-1)?.ended === "rolled-back";
    });
  }

  /** Whether a copy may show this state although the next one has come. */
  #lingers(states: readonly KeyState[], index: number, forgives: boolean): boolean {
    const { ended } = states[index] as KeyState;
    const next = states[index + 1];
    if (ended === "silently") return true;
    // A copy that retains cannot tell a key that a roll back took from one that the bucket forgot, also where an older removal came to light.
    const isKept = forgives || (this.#options.retains && next?.record?.kind !== "put");
    if (ended === "rolled-back" && isKept) return true;
    if (ended === "told" && next?.isUnheard === true) return true;
    return next !== undefined && this.#isRetained(next);
  }

  /** To a copy that retains nothing has happened where something expired, with a marker as without. Of any other state: itself. */
  #beforeExpiry(states: readonly KeyState[], from: number, index: number): number {
    if (!this.#isRetained(states[index] as KeyState)) return index;
    let before = index - 1;
    while (before > from && states[before]?.record === undefined) before -= 1;
    return Math.max(from, before);
  }

  /** Whether it is an expiry, over which a copy that retains keeps what was there before. */
  #isRetained({ record }: KeyState): boolean {
    const { retains } = this.#options;
    return retains && record?.kind === "delete" && record.expiresAt !== undefined;
  }

  #isOneOf(shown: ShownEntry | undefined, states: readonly KeyState[], first: number): boolean {
    for (let index = states.length - 1; index >= first; index -= 1) {
      const value = valueIn(states[index] as KeyState);
      if (isThis(shown, value)) return true;
      if (shown === undefined && value !== undefined && this.#mayBeOver(value)) return true;
    }
    return false;
  }

  /** Whether anything is shown whose time is over, which a copy hides that mirrors the bucket and knows its time. */
  over(view: View): string | undefined {
    const { oracle, retains, clockErrorMs, now } = this.#options;
    if (retains || !oracle.isMortal) return undefined;
    for (const entry of view.values()) {
      for (const { keys } of oracle.makings) {
        const record = keys.get(entry.key)?.find((state) => isThis(entry, valueIn(state)))?.record;
        if (record === undefined || this.#overAt(record) > now() - clockErrorMs()) continue;
        return `${told(entry)}, whose time was over at ${this.#overAt(record) % 1e8}`;
      }
    }
    return undefined;
  }

  #mayBeOver(record: StoredRecord): boolean {
    const { retains, clockErrorMs, now } = this.#options;
    const overAt = retains ? Infinity : this.#overAt(record);
    return overAt !== Infinity && overAt <= now() + clockErrorMs();
  }

  #overAt(record: StoredRecord): number {
    const { oracle } = this.#options;
    const config = oracle.makings.at(-1)?.stream.identity.config;
    const limits = { maxAgeMs: config?.maxAgeMs, allowsTtl: config?.markerTtlMs !== undefined };
    const { time, expiresAt } = record;
    const ttl = expiresAt === undefined ? {} : { ttlMs: expiresAt - time };
    return expiresAtMs({ timeMs: time, ...ttl }, limits);
  }
}

function isThis(shown: ShownEntry | undefined, value: StoredRecord | undefined): boolean {
  if (shown === undefined || value === undefined) return shown === undefined && value === undefined;
  if (Number(shown.revision ?? -1n) !== value.sequence) return false;
  return Buffer.compare(shown.value, value.value) === 0;
}

function told(entry: ShownEntry | undefined, key = entry?.key): string {
  return entry === undefined ? `${key} is not shown` : `${key}@${entry.revision} is shown`;
}

function toldState({ record, from, until, ended }: KeyState): string {
  const what = record === undefined ? "nothing" : `${record.kind}@${record.sequence}`;
  return `${what} (${from % 1e8} to ${until % 1e8} ${ended})`;
}
