import type { Clock } from "../platform/index.js";

/** Two and a half times what a source lets pass between two signs of life. */
const SILENCE_MS = 2500;
const TICK_MS = 250;
/** A tick that comes so much too late was held up together with all else in this process. */
const HELD_UP_MS = 500;

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
    const wasAway = Math.abs(now - this.#tickedAt - TICK_MS) > HELD_UP_MS;
    if (wasAway) this.#heardAt = now;
    if (now - this.#heardAt >= SILENCE_MS) this.#onSilent();
    this.#schedule();
  }
}
