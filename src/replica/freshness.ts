import { MillpondError } from "../errors/index.js";
import type { Clock } from "../platform/index.js";

/** Up to which moment the copy is known to be the bucket, by this machine's clock. */
export class Freshness {
  readonly #clock: Clock;
  #asOf: number | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get asOf(): number | undefined {
    return this.#asOf;
  }

  /** The copy is what the bucket was at `moment`, or newer. What is said to be yet to come proves that a clock was set, no more. */
  provenUpTo(moment: number | undefined): void {
    const now = this.#clock.now();
    if (moment === undefined || moment > now) return;
    const before = this.#asOf;
    if (before === undefined || before < moment || before > now) this.#asOf = moment;
  }

  /** How old the copy may be by now; `Infinity` where nothing is known. A clock that was set back makes nothing fresh. */
  get stalenessMs(): number {
    return this.#asOf === undefined ? Infinity : Math.abs(this.#clock.now() - this.#asOf);
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
