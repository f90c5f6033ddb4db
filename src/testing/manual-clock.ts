import type { Clock } from "../platform/index.js";

interface Appointment {
  readonly at: number;
  readonly callback: () => void;
}

/** Time that stands still until it is told to pass. */
export class ManualClock implements Clock {
  #now: number;
  #appointments: Appointment[] = [];

  /** `startMs`: milliseconds since the Unix epoch. Default: the start of 2026. */
  constructor(startMs = Date.UTC(2026, 0, 1)) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  schedule(delayMs: number, callback: () => void): () => void {
    const appointment = { at: this.#now + delayMs, callback };
    this.#appointments.push(appointment);
    return () => {
      this.#appointments = this.#appointments.filter((other) => other !== appointment);
    };
  }

  /** Number of callbacks that wait for their time. */
  get waiting(): number {
    return this.#appointments.length;
  }

  /**
   * Lets `ms` milliseconds pass: runs what falls due on the way, in the order of its time, each at its time, also what
   * those callbacks schedule. Promises that they resolve run on after the caller's next `await`.
   */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (let next = this.#takeDue(end); next !== undefined; next = this.#takeDue(end)) {
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }

  #takeDue(end: number): Appointment | undefined {
    const [first] = this.#appointments
      .filter((appointment) => appointment.at <= end)
      .toSorted((one, other) => one.at - other.at);
    this.#appointments = this.#appointments.filter((appointment) => appointment !== first);
    return first;
  }
}
