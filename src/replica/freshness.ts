import { MillpondError } from "../errors/index.js";
import { type Clock, CLOCK_ROUNDING_MS } from "../platform/index.js";

/** How often the clock is looked at where nobody asks. */
const LOOK_MS = 1000;

/**
 * Up to which moment the copy is known to be the bucket, by this machine's clock. That is a wall clock: it is looked at every second,
 * and where it was set back the moment goes back with it, and by as much again where only the wall clock tells: age never shrinks.
 */
export class Freshness {
  readonly #clock: Clock;
  #asOf: number | undefined;
  #lookedAt: number;
  /** The wall clock's lead over the steady one: less of it means that the former was set back. */
  #leadMs: number | undefined;
  /** By how much it was set back since the beginning, as far as that was seen. */
  #setBackMs = 0;
  #cancel: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#lookedAt = clock.now();
    this.#leadMs = this.#leadAt(this.#lookedAt);
  }

  get asOf(): number | undefined {
    this.#look();
    return this.#asOf;
  }

  /** Looks at the clock until {@link Freshness.end}. */
  begin(): void {
    this.#cancel = this.#clock.schedule(LOOK_MS, () => {
      this.#look();
      this.begin();
    });
  }

  end(): void {
    this.#cancel?.();
  }

  /** The copy is what the bucket was at `moment`, or newer. What is said to be yet to come proves that a clock was set, no more. */
  provenUpTo(moment: number | undefined): void {
    const now = this.#look();
    if (moment === undefined || moment > now) return;
    if (this.#asOf === undefined || this.#asOf < moment) this.#asOf = moment;
  }

  /** An earlier process has proven it, and so by the clock as it was before all that was seen of it here. */
  provenEarlier(moment: number | undefined): void {
    this.#look();
    if (moment !== undefined) this.provenUpTo(moment - this.#setBackMs);
  }

  /** How old the copy may be by now; `Infinity` where nothing is known. */
  get stalenessMs(): number {
    const now = this.#look();
    return this.#asOf === undefined ? Infinity : now - this.#asOf;
  }

  #look(): number {
    const now = this.#clock.now();
    const backMs = Math.max(2 * (this.#lookedAt - now), this.#lostLeadMs(now));
    if (backMs > 0) this.#setBackMs += backMs;
    if (backMs > 0 && this.#asOf !== undefined) this.#asOf -= backMs;
    this.#lookedAt = now;
    return now;
  }

  /** By how much less it leads than when that was noted last; 0 for what is no more than rounding. */
  #lostLeadMs(now: number): number {
    const leadMs = this.#leadAt(now);
    if (leadMs === undefined || this.#leadMs === undefined) return 0;
    const lostMs = this.#leadMs - leadMs;
    if (lostMs > 0 && lostMs <= CLOCK_ROUNDING_MS) return 0;
    this.#leadMs = leadMs;
    return Math.max(0, Math.ceil(lostMs));
  }

  #leadAt(now: number): number | undefined {
    const steady = this.#clock.steady?.();
    return steady === undefined ? undefined : now - steady;
  }

  isWithin(maxStalenessMs: number): boolean {
    return this.stalenessMs <= maxStalenessMs;
  }

  /** Throws `stale` where the copy may be older than that. */
  require(maxStalenessMs: number): void {
    checkStaleness(maxStalenessMs);
    if (this.isWithin(maxStalenessMs)) return;
    const known =
      this.#asOf === undefined
        ? "nothing says how old the copy is"
        : `the copy is proven current up to ${this.stalenessMs} ms ago`;
    throw new MillpondError("stale", `${known}, more than the ${maxStalenessMs} ms asked for`, {
      hint: "Read without maxStalenessMs to take what there is; status() says why it is not current.",
    });
  }
}

/** Throws `invalid-argument` for what is no span of time. */
export function checkStaleness(maxStalenessMs: number): void {
  if (maxStalenessMs >= 0) return;
  throw new MillpondError(
    "invalid-argument",
    `maxStalenessMs must be 0 or more, not ${maxStalenessMs}`,
  );
}
