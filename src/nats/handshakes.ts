import type { NatsConnection as Client } from "@nats-io/nats-core";
import type { Random } from "../platform/index.js";

/** Servers themselves give a handshake 2 s. A client that was hung up on waits for this before it dials again. */
export const MAX_HANDSHAKE_MS = 5_000;
/** What a quick line has for one, and up to as much more; a slower one several times what the first took. */
const QUICK_MS = { least: 1_000, spread: 500 };
const TIMES_THE_FIRST = 3;
/** Each so many dials one has all the time there is: the line may have become slow. */
const LONG_EVERY = 4;

/**
 * How long a handshake may take when a line is dialed again. One that was begun while the line swallowed everything never ends,
 * and while it is waited for nobody tries whether the line is whole again.
 */
export class HandshakeLimits {
  readonly #random: Random;
  readonly #quickMs: number;
  readonly #longestMs: number;
  #dials = 0;

  constructor(random: Random, firstTookMs: number, longestMs: number) {
    this.#random = random;
    this.#longestMs = longestMs;
    this.#quickMs = Math.max(QUICK_MS.least, TIMES_THE_FIRST * firstTookMs);
  }

  /** Of the next dial. */
  next(): number {
    this.#dials += 1;
    if (this.#dials % LONG_EVERY === 0) return this.#longestMs;
    return Math.min(this.#longestMs, this.#quickMs + Math.floor(QUICK_MS.spread * this.#random()));
  }

  connected(): void {
    this.#dials = 0;
  }

  /**
   * Sets them from dial to dial until the client is closed. Its time-out is fixed when it is made (3.4.0) and read at each dial: it is
   * reached past the client's types, and only here.
   */
  async follow(client: Client): Promise<void> {
    const { options } = client as unknown as { readonly options?: { timeout?: number } };
    if (options === undefined) return;
    options.timeout = this.next();
    for await (const { type } of client.status()) {
      if (type === "reconnect") this.connected();
      // That dial has begun with its own: this is for the one after it.
      if (type === "reconnect" || type === "reconnecting") options.timeout = this.next();
    }
  }
}
