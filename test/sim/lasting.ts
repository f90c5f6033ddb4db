import type { Clock } from "../../src/platform/index.js";

/** Troubles that last for a while, by name. Of one that is asked for again while it lasts the longest counts. */
export class Lasting {
  readonly #clock: Clock;
  readonly #until = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  has(what: string): boolean {
    return (this.#until.get(what) ?? 0) > this.#clock.now();
  }

  for(what: string, ms: number, begin: () => void, end: () => void): void {
    const until = this.#clock.now() + ms;
    if (this.has(what) && (this.#until.get(what) ?? 0) >= until) return;
    this.#until.set(what, until);
    begin();
    this.#clock.schedule(ms, () => {
      if (this.#until.get(what) === until) end();
    });
  }

  /** None of them ends by itself any more. */
  forget(): void {
    this.#until.clear();
  }
}
