import type { BucketInfo, KvStore } from "../kv/index.js";
import type { Clock } from "../platform/index.js";
import type { ServerTime } from "./server-time.js";

/** Limits are rarely changed, and clocks drift by milliseconds in that time. */
const LOOK_MS = 30_000;

/** Asks the bucket what it is, what time it has and what limits: whenever a watch is set up, and now and then. */
export class BucketLooks {
  readonly #source: KvStore;
  readonly #clock: Clock;
  readonly #time: ServerTime;
  readonly #onSeen: (info: BucketInfo) => void;
  #cancel: (() => void) | undefined;
  #hasEnded = false;

  constructor(source: KvStore, clock: Clock, time: ServerTime, onSeen: (info: BucketInfo) => void) {
    this.#source = source;
    this.#clock = clock;
    this.#time = time;
    this.#onSeen = onSeen;
  }

  /** Throws what the source throws. */
  async look(): Promise<BucketInfo> {
    const askedAt = this.#clock.now();
    const info = await this.#source.info();
    if (this.#hasEnded) return info;
    this.#time.heard(info.serverTimeMs, askedAt);
    this.#onSeen(info);
    this.#schedule();
    return info;
  }

  end(): void {
    this.#hasEnded = true;
    this.#cancel?.();
  }

  #schedule(): void {
    this.#cancel?.();
    this.#cancel = this.#clock.schedule(LOOK_MS, () => {
      if (!this.#source.connected) this.#schedule();
      // That it cannot be asked is the watch's to tell.
      else this.look().catch(() => this.#schedule());
    });
  }
}
