import type { BucketLimits } from "../kv/index.js";
import type { Clock } from "../platform/index.js";
import { type AgeLimits, type Evictions, expiresAtMs, outlives, retains } from "../rules/index.js";
import type { KvEntry, KvRemoval } from "../values/index.js";
import type { BucketFacts } from "./options.js";

/** An entry's own time to live may count. */
const unknownLimits: AgeLimits = { maxAgeMs: undefined, allowsTtl: true };

/** What the bucket last said of itself, for the rules that decide by it. */
export class BucketKnowledge {
  readonly #evictions: Evictions;
  readonly #clock: Clock;
  #limits: BucketLimits | undefined;
  /** The bucket's clock less ours. */
  #aheadMs = 0;

  constructor(evictions: Evictions, clock: Clock) {
    this.#evictions = evictions;
    this.#clock = clock;
  }

  learn({ limits, serverTimeMs }: BucketFacts): void {
    if (limits !== undefined) this.#limits = limits;
    if (serverTimeMs !== undefined && Number.isFinite(serverTimeMs)) {
      this.#aheadMs = serverTimeMs - this.#clock.now();
    }
  }

  /** By what its records grow old. */
  get ageLimits(): AgeLimits {
    return this.#limits ?? unknownLimits;
  }

  get limits(): BucketLimits | undefined {
    return this.#limits;
  }

  get evictions(): Evictions {
    return this.#evictions;
  }

  /** The bucket's clock, in ms since 1970. */
  get timeMs(): number {
    return this.#clock.now() + this.#aheadMs;
  }

  /** Whether what the bucket forgot by itself stays in the copy. */
  get retains(): boolean {
    return retains(this.#evictions, this.#limits);
  }

  /** Whether a key that has no value in the bucket stays in the copy. `last`: its last record there; `undefined`: there is none. */
  keeps(last: Pick<KvRemoval, "reason"> | undefined): boolean {
    return this.retains && (last === undefined || outlives(last, this.#evictions));
  }

  /** Whether a record is past the time that it or the bucket gives it, by `withinMs` at most. */
  hasJustExpired(record: Pick<KvEntry, "timeMs" | "ttlMs">, withinMs: number): boolean {
    const overMs = this.timeMs - expiresAtMs(record, this.ageLimits);
    return overMs >= 0 && overMs <= withinMs;
  }

  get facts(): {
    readonly evictions: Evictions;
    readonly limits: BucketLimits | undefined;
    readonly serverTimeMs: number;
  } {
    return { evictions: this.#evictions, limits: this.#limits, serverTimeMs: this.timeMs };
  }
}
