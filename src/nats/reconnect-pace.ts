import type { NatsConnection as Client } from "@nats-io/nats-core";
import type { Random } from "../platform/index.js";
import { isRefusal } from "./errors.js";

/** Between dials, while no server answers: from the first to the sum of both. */
const AWAY_MS = { least: 250, spread: 750 };
/** While a server refuses the credentials, which only a person mends: calm, but not so that the mending goes unseen for long. */
const REFUSED_MS = { least: 1_000, spread: 1_000 };

/** How long the client waits between the attempts to get a lost connection back. */
export class ReconnectPace {
  readonly #random: Random;
  #isRefused = false;

  constructor(random: Random) {
    this.#random = random;
  }

  get delayMs(): number {
    const { least, spread } = this.#isRefused ? REFUSED_MS : AWAY_MS;
    return least + Math.floor(spread * this.#random());
  }

  /** Goes by what the client tells, until it is closed. */
  follow(client: Client): void {
    void this.#watch(client);
  }

  async #watch(client: Client): Promise<void> {
    for await (const status of client.status()) {
      if (status.type === "error" && isRefusal(status.error)) this.#isRefused = true;
      else if (status.type === "reconnect") this.#isRefused = false;
    }
  }
}
