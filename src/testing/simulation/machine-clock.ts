import type { Clock } from "../../platform/index.js";

/**
 * The clock of one process on a machine: whole milliseconds of a common time, with an error of its own that can be changed, as when
 * somebody sets the clock. Timers go by the common time. A process that was killed gets no more of them.
 */
export class MachineClock implements Clock {
  readonly #base: Clock;
  readonly #aheadMs: () => number;
  readonly #pending = new Set<() => void>();
  #isDead = false;

  /** `aheadMs`: by how much the machine's clock is ahead at this moment. Default 0. */
  constructor(base: Clock, aheadMs: () => number = () => 0) {
    this.#base = base;
    this.#aheadMs = aheadMs;
  }

  now(): number {
    return Math.floor(this.#base.now() + this.#aheadMs());
  }

  steady(): number {
    return this.#base.now();
  }

  schedule(delayMs: number, callback: () => void): () => void {
    if (this.#isDead) return () => undefined;
    const cancel = (): void => {
      this.#pending.delete(cancel);
      callOff();
    };
    const callOff = this.#base.schedule(Math.ceil(Math.max(0, delayMs)), () => {
      this.#pending.delete(cancel);
      callback();
    });
    this.#pending.add(cancel);
    return cancel;
  }

  /** That of the machine is none of ours. */
  keepProcessAlive(): () => void {
    return () => undefined;
  }

  /** The process has died: none of its timers fires any more. */
  kill(): void {
    this.#isDead = true;
    for (const cancel of this.#pending) cancel();
  }
}
