import type { Clock } from "../platform/index.js";

/** The bucket's clock, as far as it can be told from here: ours, and by how much the two differ. */
export class ServerTime {
  readonly #clock: Clock;
  #offsetMs: number | undefined;

  /** `offsetMs`: what an earlier process found. */
  constructor(clock: Clock, offsetMs?: number) {
    this.#clock = clock;
    this.#offsetMs = offsetMs;
  }

  /** By how much the bucket's clock is ahead of ours; `undefined` before it was first asked. */
  get offsetMs(): number | undefined {
    return this.#offsetMs;
  }

  /** The bucket said what time it is, at some moment between our `askedAt` and now: wrong by half of that at most. */
  heard(serverTimeMs: number, askedAt: number): void {
    // A source that does not know it says nothing: no time is after NaN, and nothing would ever be over.
    if (!Number.isFinite(serverTimeMs)) return;
    const answeredAt = this.#clock.now();
    this.#offsetMs = serverTimeMs - (askedAt + answeredAt) / 2;
  }

  now(): number {
    return this.#clock.now() + (this.#offsetMs ?? 0);
  }
}
