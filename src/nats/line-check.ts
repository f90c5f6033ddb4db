import type { Clock, Random } from "../platform/index.js";
import { backoffDelay } from "../rules/index.js";

/** So long, and up to as much more, the server has for a sign of life. */
const ANSWER_MS = { least: 1_000, spread: 250 };
/** A timer that is so much too late was held up together with what the server may have said. */
const HELD_UP_MS = 500;
/** Between one line given up and the next, at least. */
const GIVE_UP_LIMITS = { minMs: 1_000, maxMs: 30_000 };
/** A line that has lasted so long was a good one. */
const GOOD_MS = 60_000;

export interface LineCheckOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Asks the server itself, past all that it does. */
  readonly ping: () => Promise<void>;
  /** Bytes that have come over the line. */
  readonly received: () => number;
  /** Closes the line, so that another is dialed. */
  readonly giveUp: () => void;
}

/**
 * Gives up a line whose other end has vanished, seconds before the client's own pings or the system would notice: one on which
 * nothing at all comes although the server was asked. A line that only brings something else first is left alone.
 */
export class LineCheck {
  readonly #options: LineCheckOptions;
  #isChecking = false;
  /** In a row, each soon after the last. */
  #givenUp = 0;
  #lastGivenUp = -Infinity;
  #notBefore = -Infinity;

  constructor(options: LineCheckOptions) {
    this.#options = options;
  }

  /** Something that was due has not come: is that the line? Nothing happens while that is being found out already. */
  begin(): void {
    const { clock, random, ping, received, giveUp } = this.#options;
    if (this.#isChecking || clock.now() < this.#notBefore) return;
    this.#isChecking = true;
    const before = received();
    let isSettled = false;
    const delayMs = Math.round(ANSWER_MS.least + ANSWER_MS.spread * random());
    const due = clock.now() + delayMs;
    const cancel = clock.schedule(delayMs, () => {
      this.#isChecking = false;
      isSettled = true;
      const isHeldUp = clock.now() - due > HELD_UP_MS;
      if (isHeldUp || received() !== before) return;
      this.#spaceOut();
      giveUp();
    });
    // Answered, or the line is closed: either way there is nothing left to find out.
    const settle = (): void => {
      if (isSettled) return;
      cancel();
      this.#isChecking = false;
    };
    ping().then(settle, settle);
  }

  #spaceOut(): void {
    const { clock, random } = this.#options;
    const now = clock.now();
    if (now - this.#lastGivenUp > GOOD_MS) this.#givenUp = 0;
    this.#givenUp += 1;
    this.#lastGivenUp = now;
    this.#notBefore = now + backoffDelay(GIVE_UP_LIMITS, this.#givenUp, random());
  }
}
