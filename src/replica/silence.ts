import type { Clock } from "../platform/index.js";

/** Three times and more what a source lets pass between two signs of life. */
const SILENCE_MS = 5000;
const TICK_MS = 1000;

/**
 * Notices that a source which told that nothing has changed does so no longer: a watch that hangs is no error that anybody
 * throws. A source that never told is not held to it.
 */
export class SilenceWatch {
  readonly #clock: Clock;
  readonly #onSilent: () => void;
  #heardAt = 0;
  #tickedAt = 0;
  #isArmed = false;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock, onSilent: () => void) {
    this.#clock = clock;
    this.#onSilent = onSilent;
  }

  /** Something came; `isIdle`: a word that nothing did. */
  heard(isIdle: boolean): void {
    this.#heardAt = this.#clock.now();
    this.#isArmed ||= isIdle;
    if (this.#isArmed && this.#cancel === undefined) this.#schedule();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#isArmed = false;
  }

  #schedule(): void {
    this.#tickedAt = this.#clock.now();
    this.#cancel = this.#clock.schedule(TICK_MS, () => {
      this.#cancel = undefined;
      this.#tick();
    });
  }

  #tick(): void {
    const now = this.#clock.now();
    // We did not get our turn, or the clock was set: that nothing was heard meanwhile says nothing of the source.
    const wasAway = Math.abs(now - this.#tickedAt - TICK_MS) > TICK_MS;
    if (wasAway) this.#heardAt = now;
    if (now - this.#heardAt >= SILENCE_MS) this.#onSilent();
    this.#schedule();
  }
}
