import type { Clock } from "../platform/index.js";
import type { StoredRecord } from "./record.js";

/** The longest delay that timers take (2^31 - 1 ms, 24 days); a later deadline is waited for in steps. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** Records with a deadline of their own, soonest first. */
export class Deadlines {
  #records: StoredRecord[] = [];

  add(record: StoredRecord): void {
    const { expiresAt } = record;
    if (expiresAt === undefined) return;
    // Nearly always the last place: most records of a bucket have the same time to live.
    const before = this.#records.findLastIndex((other) => deadlineOf(other) <= expiresAt);
    this.#records.splice(before + 1, 0, record);
  }

  /** The soonest deadline, which may be one of a record that is gone by now. */
  get next(): number {
    return this.#records[0] === undefined ? Infinity : deadlineOf(this.#records[0]);
  }

  /** The records whose deadline is `now` or earlier and that are still kept. */
  due(now: number): StoredRecord[] {
    const later = this.#records.findIndex((record) => deadlineOf(record) > now);
    const due = later < 0 ? this.#records : this.#records.slice(0, later);
    return due.filter((record) => !record.removed);
  }

  /** Forgets the removed records at the front, so that {@link Deadlines.next} moves on. */
  sweep(): void {
    const kept = this.#records.findIndex((record) => !record.removed);
    this.#records.splice(0, kept < 0 ? this.#records.length : kept);
  }
}

/** One timer for the soonest of many deadlines. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #at = Infinity;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at `time` (milliseconds since the epoch) or, if it is set already, when it was to ring, if that is sooner. */
  setFor(time: number): void {
    if (time >= this.#at) return;
    this.clear();
    const delay = Math.max(0, time - this.#clock.now());
    if (delay === Infinity) return;
    this.#at = time;
    this.#cancel = this.#clock.schedule(Math.min(delay, LONGEST_DELAY_MS), () => {
      this.clear();
      this.#ring();
    });
  }

  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#at = Infinity;
  }
}

function deadlineOf(record: StoredRecord): number {
  return record.expiresAt ?? Infinity;
}
