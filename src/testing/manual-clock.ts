import { MillpondError } from "../errors/index.js";
import { type Clock, nextTurn } from "../platform/index.js";

/** Turns of the event loop between two callbacks, unless told otherwise: one for a promise's answer, one for what is done in slices. */
const DEFAULT_TURNS = 2;

interface Appointment {
  readonly at: number;
  /** In the order of their making those of one time are kept. */
  readonly order: number;
  /** `undefined`: called off, or kept. */
  callback: (() => void) | undefined;
}

/**
 * Time that stands still until it is told to pass: hours of it in moments. Hand it to whatever takes a `clock`. {@link ManualClock.run} is
 * for code with promises, {@link ManualClock.advance} for code without.
 */
export class ManualClock implements Clock {
  #now: number;
  /** A heap: each is due before the two at twice its place and after. */
  readonly #heap: Appointment[] = [];
  #made = 0;
  #waiting = 0;

  /** `startMs`: milliseconds since the Unix epoch. Default: the start of 2026. */
  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    this.#made += 1;
    const appointment: Appointment = { at: this.#now + delayMs, order: this.#made, callback };
    this.#waiting += 1;
    push(this.#heap, appointment);
    return () => {
      if (appointment.callback === undefined) return;
      appointment.callback = undefined;
      this.#waiting -= 1;
    };
  }

  /** Number of callbacks that wait for their time. */
  get waiting(): number {
    return this.#waiting;
  }

  /** When the next callback is due, in milliseconds since the Unix epoch; `undefined` where none waits. */
  get nextDue(): number | undefined {
    while (this.#heap[0] !== undefined && this.#heap[0].callback === undefined) pop(this.#heap);
    return this.#heap[0]?.at;
  }

  /**
   * Lets `ms` milliseconds pass: runs what falls due on the way, in the order of its time, each at its time, also what
   * those callbacks schedule. Promises that they resolve run on after the caller's next `await`.
   *
   * Throws `invalid-argument` unless `ms` is 0 or more.
   */
  advance(ms: number): void {
    checkSpan(ms);
    const end = this.#now + ms;
    while ((this.nextDue ?? Infinity) <= end) this.runNext();
    this.#now = end;
  }

  /**
   * Lets `ms` milliseconds pass as {@link ManualClock.advance} does, and gives the promises that a callback resolved the time that they need
   * before the next one is run: `turns` turns of the event loop (default 2), before the first too. What waits for files, sockets
   * or timers of this process is not waited for. `invalid-argument` unless `ms` is 0 or more.
   */
  async run(ms: number, turns = DEFAULT_TURNS): Promise<void> {
    checkSpan(ms);
    const end = this.#now + ms;
    await pass(turns);
    while ((this.nextDue ?? Infinity) <= end) {
      this.runNext();
      await pass(turns);
    }
    this.#now = Math.max(this.#now, end);
  }

  /**
   * Runs as {@link ManualClock.run} does until `isTrue` is, which is asked after each callback. False where it was not within `ms`
   * milliseconds of this clock. `invalid-argument` unless `ms` is 0 or more.
   */
  async runUntil(isTrue: () => boolean, ms: number, turns = DEFAULT_TURNS): Promise<boolean> {
    checkSpan(ms);
    const end = this.#now + ms;
    await pass(turns);
    while (!isTrue()) {
      if ((this.nextDue ?? Infinity) > end) {
        this.#now = Math.max(this.#now, end);
        return false;
      }
      this.runNext();
      await pass(turns);
    }
    return true;
  }

  /** Lets time pass up to the next callback and runs that one. False where none waits. */
  runNext(): boolean {
    if (this.nextDue === undefined) return false;
    const next = pop(this.#heap);
    const callback = next?.callback;
    if (next === undefined || callback === undefined) return false;
    next.callback = undefined;
    this.#waiting -= 1;
    this.#now = Math.max(this.#now, next.at);
    callback();
    return true;
  }
}

/** Time does not go back, and without an end it would not come to one. */
function checkSpan(ms: number): void {
  if (Number.isFinite(ms) && ms >= 0) return;
  throw new MillpondError("invalid-argument", `ms is ${ms}, and can be a number from 0 on`);
}

async function pass(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await nextTurn();
}

function isBefore(one: Appointment, other: Appointment): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}

function push(heap: Appointment[], appointment: Appointment): void {
  let place = heap.length;
  heap.push(appointment);
  while (place > 0) {
    const above = (place - 1) >>> 1;
    const parent = heap[above];
    if (parent === undefined || !isBefore(appointment, parent)) break;
    heap[place] = parent;
    place = above;
  }
  heap[place] = appointment;
}

function pop(heap: Appointment[]): Appointment | undefined {
  const first = heap[0];
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return first;
  let place = 0;
  for (;;) {
    let below = 2 * place + 1;
    const left = heap[below];
    if (left === undefined) break;
    const right = heap[below + 1];
    if (right !== undefined && isBefore(right, left)) below += 1;
    const child = heap[below];
    if (child === undefined || !isBefore(child, last)) break;
    heap[place] = child;
    place = below;
  }
  heap[place] = last;
  return first;
}
