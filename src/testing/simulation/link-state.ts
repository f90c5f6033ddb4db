import { MillpondError } from "../../errors/index.js";
import { type Clock, type Random, sleep } from "../../platform/index.js";
import { WatchCursor } from "../../values/index.js";

/** How long a watch waits for a line that is lost before it ends, in milliseconds. As the NATS source does. */
export const MEND_MS = 5000;
/** After that a request without an answer is given up, in milliseconds. */
const REQUEST_TIMEOUT_MS = 5000;

/** Updates that a watch has given to who reads it, and up to where it came with them. */
interface HandedOver {
  readonly upTo: WatchCursor;
  readonly updates: number;
}

interface Transit {
  readonly at: number;
  readonly ms: number;
}

/** The state of a simulated line, which requests and watches go by. */
export class LinkState {
  readonly clock: Clock;
  readonly random: Random;
  latencyMs: () => number = () => 0;
  duplicates = 0;
  readAhead = 0;
  holdsBookmarks = false;
  deliveredUpdates = 0;
  /** Up to where the watch has delivered that delivered last. */
  frontier = WatchCursor.none;
  /** The most updates that came at once. */
  largestBatch = 0;
  #handedOver: HandedOver[] = [];
  #isUp = true;
  #isFrozen = false;
  #isDead = false;
  #epoch = 0;
  #restores = 0;
  #lostAt = 0;
  #failure: { readonly error: MillpondError; readonly serial: number } | undefined;
  #failures = 0;
  readonly #listeners = new Set<() => void>();
  /** Watches and requests that wait for something to change. */
  readonly #waiting = new Set<() => void>();
  readonly #transits: Transit[] = [];

  constructor(clock: Clock, random: Random) {
    this.clock = clock;
    this.random = random;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Another number after each loss and each return. */
  get epoch(): number {
    return this.#epoch;
  }

  /** How often it came back. */
  get restores(): number {
    return this.#restores;
  }

  get lostAt(): number {
    return this.#lostAt;
  }

  /** What watches are to end with that began before it, by its number. */
  get failure(): { readonly error: MillpondError; readonly serial: number } | undefined {
    return this.#failure;
  }

  get failures(): number {
    return this.#failures;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  cut(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#lostAt = this.clock.now();
    this.#epoch += 1;
    this.#tell();
  }

  restore(): void {
    if (this.#isUp) return;
    this.#isUp = true;
    this.#epoch += 1;
    this.#restores += 1;
    this.#tell();
  }

  setFrozen(isFrozen: boolean): void {
    this.#isFrozen = isFrozen;
    this.wake();
  }

  breakWatches(error: MillpondError): void {
    this.#failures += 1;
    this.#failure = { error, serial: this.#failures };
    this.wake();
  }

  kill(): void {
    this.#isDead = true;
    this.#isUp = false;
    this.#epoch += 1;
    this.#listeners.clear();
    this.wake();
  }

  wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }

  /** Resolves at the next change of anything. */
  change(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.add(resolve);
    });
  }

  /** One request: there, done there, and back. */
  async ask<T>(work: () => Promise<T>): Promise<T> {
    const epoch = await this.reach();
    let outcome: { readonly value: T } | { readonly error: unknown };
    try {
      outcome = { value: await work() };
    } catch (error) {
      outcome = { error };
    }
    await this.returnFrom(epoch);
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  /** Resolves when a request has come to the other end. */
  async reach(): Promise<number> {
    if (!this.#isUp) throw notConnected();
    const epoch = this.#epoch;
    await this.returnFrom(epoch);
    return epoch;
  }

  /** Resolves when a message has come through that was sent while the line was what `epoch` says. */
  async returnFrom(epoch: number): Promise<void> {
    const latencyMs = this.latencyMs();
    if (latencyMs > 0) await this.#pause(latencyMs);
    if (this.#isFrozen) await this.#untilThawed(epoch);
    if (this.#epoch !== epoch) throw notConnected();
  }

  /** A new watch begins: what an earlier one has handed over is its reader's no longer. */
  begun(): void {
    this.#handedOver = [];
  }

  /** Updates that the watch which began last has handed over beyond this position. */
  updatesBeyond(position: WatchCursor): number {
    const at = position.toU64() ?? -1n;
    this.#handedOver = this.#handedOver.filter(({ upTo }) => (upTo.toU64() ?? 0n) > at);
    return this.#handedOver.reduce((sum, { updates }) => sum + updates, 0);
  }

  delivered(updates: number, upTo: WatchCursor, transitMs: number): void {
    this.deliveredUpdates += updates;
    this.largestBatch = Math.max(this.largestBatch, updates);
    if (updates > 0) this.#handedOver.push({ upTo, updates });
    if (transitMs <= 0) return;
    // Of no interest any more are those that one since then has outdone.
    while ((this.#transits.at(-1)?.ms ?? Infinity) <= transitMs) this.#transits.pop();
    this.#transits.push({ at: this.clock.now(), ms: transitMs });
  }

  worstTransitMs(sinceMs: number): number {
    while ((this.#transits[0]?.at ?? Infinity) < sinceMs) this.#transits.shift();
    return this.#transits[0]?.ms ?? 0;
  }

  async #pause(ms: number): Promise<void> {
    if (!this.#isDead) await sleep(this.clock, ms);
  }

  async #untilThawed(epoch: number): Promise<void> {
    const until = this.clock.now() + REQUEST_TIMEOUT_MS;
    const cancel = this.clock.schedule(REQUEST_TIMEOUT_MS, () => this.wake());
    const isLate = (): boolean => this.clock.now() >= until;
    while (this.#isFrozen && this.#epoch === epoch && !isLate()) await this.change();
    cancel();
    if (this.#isFrozen && isLate())
      throw new MillpondError("timeout", "no answer came (simulated)");
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
    this.wake();
  }
}

export function notConnected(): MillpondError {
  return new MillpondError("not-connected", "the line is down (simulated)");
}
