import type { Arena } from "../kernel/index.js";
import { settleInTurns } from "../log/index.js";
import type { Clock } from "../platform/index.js";

/**
 * Keys that may wait to be put into order, so many that a first filling goes on without it. Who reads all keys in the middle of that
 * has them put into order at once, which takes up to half a second: less than reading them.
 */
const WAITING_MAX = 1_048_576;
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
  readonly #waitingMax: number;
  #isBehind = false;
  #hasNews = false;
  #cancel: (() => void) | undefined;

  constructor(entries: Arena, clock: Clock, waitingMax = WAITING_MAX) {
    this.#entries = entries;
    this.#clock = clock;
    this.#waitingMax = waitingMax;
  }

  /** After each batch of so many updates. */
  came(updates: number): void {
    const entries = this.#entries;
    if (entries.unsettled === 0) return;
    this.#isBehind ||= entries.unsettled > this.#waitingMax;
    // Twice as many as come, so that what waits becomes less.
    if (this.#isBehind) this.#isBehind = !entries.settle(AFTER_BATCH + 2 * updates);
    this.#hasNews = true;
    this.#cancel ??= this.#clock.schedule(QUIET_MS, this.#inQuiet);
  }

  /** All that waits by now and until the promise resolves, giving way to other work. */
  finish(): Promise<void> {
    return settleInTurns(this.#entries);
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
