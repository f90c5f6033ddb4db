import type { Clock, Random } from "../platform/index.js";
import { backoffDelay } from "../rules/index.js";
import { ApiError } from "./errors.js";
import type { Link } from "./link.js";

/** Consumers remembered at most. What is forgotten the server removes, which does that with any that nobody pulls from. */
const MOST = 256;
/** Between attempts, while some are left. */
const RETRY_LIMITS = { minMs: 500, maxMs: 10_000 };
/** In a row without success: by then the server has removed them itself. */
const MOST_FAILURES = 10;
const NOT_FOUND = 404;

/** A consumer of ours at the server. */
export interface Leftover {
  readonly stream: string;
  readonly consumer: string;
}

/**
 * Consumers that are to be deleted at the server and could not be yet, because the line was down or nobody answered: they are
 * deleted once the line is back. A server full of them serves nobody.
 */
export class Leftovers {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #delete: (stream: string, consumer: string) => Promise<void>;
  #left: Leftover[] = [];
  #failures = 0;
  #isCleaning = false;
  #cancelRetry: (() => void) | undefined;

  constructor(link: Link, deleteConsumer: (stream: string, consumer: string) => Promise<void>) {
    this.#link = link;
    this.#clock = link.clock;
    this.#random = link.random;
    this.#delete = deleteConsumer;
    link.onChange(() => {
      this.#cancelRetry?.();
      this.#cancelRetry = undefined;
      this.#failures = 0;
      if (link.state === "up") void this.#clean();
      if (link.state === "closed") this.#left = [];
    });
  }

  /** What is still to be deleted. */
  get left(): readonly Leftover[] {
    return this.#left;
  }

  /** Deletes the consumer, now or when that can be done. Resolves after the first attempt. Never throws. */
  async remove(stream: string, consumer: string): Promise<void> {
    if (this.#link.state === "closed") return;
    const leftover = { stream, consumer };
    // Until it is gone: who ends this while the answer is under way says it once more.
    this.#left.push(leftover);
    if (this.#left.length > MOST) this.#left.shift();
    const isGone = await this.#attempt(leftover);
    if (isGone) this.#left = this.#left.filter((left) => left !== leftover);
    else this.#retryLater();
  }

  async #clean(): Promise<void> {
    if (this.#isCleaning) return;
    this.#isCleaning = true;
    try {
      for (let next = this.#left[0]; next !== undefined; next = this.#left[0]) {
        if (!(await this.#attempt(next))) {
          this.#retryLater();
          return;
        }
        this.#failures = 0;
        this.#left = this.#left.filter((left) => left !== next);
      }
    } finally {
      this.#isCleaning = false;
    }
  }

  #retryLater(): void {
    if (this.#link.state !== "up" || this.#cancelRetry !== undefined) return;
    this.#failures += 1;
    if (this.#failures > MOST_FAILURES) {
      this.#left = [];
      return;
    }
    const delayMs = backoffDelay(RETRY_LIMITS, this.#failures, this.#random());
    this.#cancelRetry = this.#clock.schedule(delayMs, () => {
      this.#cancelRetry = undefined;
      void this.#clean();
    });
  }

  /** Whether it is gone. */
  async #attempt({ stream, consumer }: Leftover): Promise<boolean> {
    if (this.#link.state !== "up") return false;
    try {
      await this.#delete(stream, consumer);
      return true;
    } catch (error) {
      return error instanceof ApiError && error.status === NOT_FOUND;
    }
  }
}
