import { MillpondError } from "../../src/errors/index.js";
import type { Clock, Random } from "../../src/platform/index.js";
import { randomFor } from "../../src/testing/simulation/random.js";
import type { SimulatedLink } from "../../src/testing/simulation/simulated-link.js";
import type { SimConfig } from "./config.js";
import type { Lasting } from "./lasting.js";
import { delay } from "./samples.js";

type LinkOwner = "keeper" | "service";

/** A line that falls silent is found dead after this, in every other case. As the NATS source does. */
const NOTICED_MS = 2500;

/** The line to the bucket, which every process has a link of its own over. */
export class Line {
  readonly #clock: Clock;
  readonly #lasting: Lasting;
  readonly #config: SimConfig["line"];
  readonly #random: Random;
  readonly #links = new Map<LinkOwner, SimulatedLink>();
  #isCut = false;
  #isFrozen = false;
  /** It will be cut: then all is counted once it is back. A line that was only silent goes on as if nothing had been. */
  #isFoundDead = false;
  #slowMs = 0;
  #isCalm = false;
  /** When it was last found to be up, and not silent. */
  upAt = 0;
  /** Since when it has been silent although it is not known to be lost. */
  silentSince = Infinity;
  /** When it was last silent, or held up. */
  heardAt = -Infinity;

  constructor(seed: number, config: SimConfig["line"], clock: Clock, lasting: Lasting) {
    this.#clock = clock;
    this.#lasting = lasting;
    this.#config = config;
    this.#random = randomFor(seed, "line");
  }

  /** A process has a link, in the state that the line is in; or none any more. */
  adopt(owner: LinkOwner, link: SimulatedLink | undefined): void {
    if (link === undefined) {
      this.#links.delete(owner);
      return;
    }
    this.#links.set(owner, link);
    link.latencyMs = () => this.#slowMs + delay(this.#config, this.#random, this.#isCalm);
    link.readAhead = this.#config.readAhead;
    link.duplicates = this.#config.duplicates;
    link.holdsBookmarks = this.#lasting.has("hold");
    if (this.#isCut) link.cut();
    if (this.#isFrozen) link.freeze();
    if (owner === "keeper") this.upAt = this.#clock.now();
  }

  /** Whether a watch of the copy's that is at work now has delivered what has this sequence. `undefined`: none is at work. */
  hasHeard(sequence: number): boolean | undefined {
    const link = this.#links.get("keeper");
    if (link === undefined || this.#isCut || this.#isFoundDead) return undefined;
    return BigInt(sequence) <= (link.frontier.toU64() ?? 0n);
  }

  cut(ms: number): void {
    this.#lasting.for(
      "cut",
      ms,
      () => this.#setCut(true),
      () => this.#setCut(false),
    );
  }

  /** Silent, and in every other case found dead after a while. */
  freeze(ms: number): void {
    this.#lasting.for(
      "freeze",
      ms,
      () => this.#setFrozen(true),
      () => this.#setFrozen(false),
    );
    if (ms <= NOTICED_MS || ms % 2 === 0) return;
    this.#isFoundDead = true;
    this.#clock.schedule(NOTICED_MS, () => {
      if (this.#isFrozen) this.cut(Math.max(1, ms - NOTICED_MS));
    });
  }

  holdBookmarks(ms: number): void {
    this.#lasting.for(
      "hold",
      ms,
      () => this.#setHolding(true),
      () => this.#setHolding(false),
    );
  }

  slow(ms: number, latencyMs: number): void {
    this.#lasting.for(
      "slow line",
      ms,
      () => (this.#slowMs = latencyMs),
      () => (this.#slowMs = 0),
    );
  }

  breakWatches(code: "watch-error" | "timeout" | "not-connected"): void {
    const error = new MillpondError(code, "broken (simulated)");
    for (const link of this.#links.values()) link.breakWatches(error);
  }

  /** Nothing is wrong with it any more. */
  calm(): void {
    this.#isCalm = true;
    this.#slowMs = 0;
    this.#setHolding(false);
    if (this.#isFrozen) this.#setFrozen(false);
    if (this.#isCut) this.#setCut(false);
  }

  #setHolding(holds: boolean): void {
    for (const link of this.#links.values()) link.holdsBookmarks = holds;
  }

  #setCut(isCut: boolean): void {
    const now = this.#clock.now();
    this.#isCut = isCut;
    if (!isCut) this.upAt = now;
    if (isCut) this.silentSince = Infinity;
    else if (this.#isFrozen) this.silentSince = now;
    for (const link of this.#links.values()) {
      if (isCut) link.cut();
      else link.restore();
    }
  }

  #setFrozen(isFrozen: boolean): void {
    const now = this.#clock.now();
    if (isFrozen !== this.#isFrozen) this.silentSince = isFrozen ? now : Infinity;
    if (!isFrozen) {
      this.heardAt = now;
      this.#isFoundDead = false;
    }
    this.#isFrozen = isFrozen;
    for (const link of this.#links.values()) {
      if (isFrozen) link.freeze();
      else link.thaw();
    }
  }
}
