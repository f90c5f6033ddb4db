import type { Arena } from "../kernel/index.js";
import { nextTurn, type Clock } from "../platform/index.js";

/** Keys that may wait to be put into order: a read of all of them does it at once, in about a tenth of a second. */
const WAITING_MAX = 131_072;
/** Keys put into order after a batch, beside twice those that came with it, once more than that wait: many cost less each. */
const AFTER_BATCH = 1000;
/** Without a batch for so long, those that wait have their time, a slice of about a millisecond after the other. */
const QUIET_MS = 20;
const SLICE = 1000;
const PAUSE_MS = 1;

/**
 * Puts the keys of a store into order when that is cheapest: in the pauses between batches, where there are any. A read by
 * prefix takes what it needs out of turn.
 */
export class KeyOrder {
  readonly #entries: Arena;
  readonly #clock: Clock;
  #isBehind = false;
  #hasNews = false;
  #cancel: (() => void) | undefined;

  constructor(entries: Arena, clock: Clock) {
    this.#entries = entries;
    this.#clock = clock;
  }

  /** After each batch of so many updates. */
  came(updates: number): void {
    const entries = this.#entries;
    if (entries.unsettled === 0) return;
    this.#isBehind ||= entries.unsettled > WAITING_MAX;
    // Twice as many as come, so that what waits becomes less.
    if (this.#isBehind) this.#isBehind = !entries.settle(AFTER_BATCH + 2 * updates);
    this.#hasNews = true;
    this.#cancel ??= this.#clock.schedule(QUIET_MS, this.#inQuiet);
  }

  /** All that waits by now and until the promise resolves, giving way to other work. */
  async finish(): Promise<void> {
    while (!this.#entries.settle(SLICE)) await nextTurn();
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  readonly #inQuiet = (): void => {
    this.#cancel = undefined;
    const isQuiet = !this.#hasNews;
    this.#hasNews = false;
    if (isQuiet && this.#entries.settle(SLICE)) return;
    this.#cancel = this.#clock.schedule(isQuiet ? PAUSE_MS : QUIET_MS, this.#inQuiet);
  };
}
