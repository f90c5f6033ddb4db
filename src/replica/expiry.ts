import { type AgeLimits, type Dated, expiresAtMs } from "../rules/index.js";
import type { ServerTime } from "./server-time.js";

/**
 * What becomes of entries that the bucket drops by itself.
 *
 * - `mirror`: they go from the copy as they go from the bucket, by the bucket's clock, also while it cannot be reached.
 * - `retain`: they stay, as what a bounded log has forgotten does for who reads it: only people's deletes and purges count.
 */
export type ExpiryMode = "mirror" | "retain";

/** Which entries of the copy are over. */
export class Expiry {
  readonly mode: ExpiryMode;
  readonly #time: ServerTime;
  #limits: AgeLimits | undefined;

  /** `limits`: what an earlier process saw of the bucket; unknown ones let nothing expire. */
  constructor(mode: ExpiryMode, time: ServerTime, limits?: AgeLimits) {
    this.mode = mode;
    this.#time = time;
    this.#limits = limits;
  }

  get limits(): AgeLimits | undefined {
    return this.#limits;
  }

  /** True where these are other limits than before. */
  limitTo({ maxAgeMs, allowsTtl }: AgeLimits): boolean {
    const before = this.#limits;
    if (before?.maxAgeMs === maxAgeMs && before?.allowsTtl === allowsTtl) return false;
    this.#limits = { maxAgeMs, allowsTtl };
    return true;
  }

  /** Whether anything in the copy can be over at all. */
  get isArmed(): boolean {
    const { mode } = this;
    if (mode === "retain" || this.#limits === undefined) return false;
    return this.#limits.allowsTtl || this.#limits.maxAgeMs !== undefined;
  }

  /** The bucket's time, as {@link Expiry.expiresAt} gives it. */
  now(): number {
    return this.#time.now();
  }

  expiresAt(entry: Dated): number {
    return this.#limits === undefined ? Infinity : expiresAtMs(entry, this.#limits);
  }

  isOver(entry: Dated): boolean {
    return this.isArmed && this.expiresAt(entry) <= this.#time.now();
  }
}
