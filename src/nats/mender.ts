import type { MillpondError } from "../errors/index.js";
import { sleep } from "../platform/index.js";
import { backoffDelay } from "../rules/index.js";
import { inTime } from "./abort.js";
import { isTransient } from "./errors.js";
import type { Link } from "./link.js";

/** Between attempts to get a lost consumer back. */
const RETRY_LIMITS = { minMs: 50, maxMs: 1_000 };
/** What a watch cannot mend in this time it throws: whoever holds a copy must be able to say that it is not followed. */
const MEND_MS = 5_000;

/** Wakes the one who waits; a call while nobody does is lost, so look before you wait. */
export class Waiter {
  readonly #link: Link;
  #wake: (() => void) | undefined;

  constructor(link: Link) {
    this.#link = link;
  }

  readonly wake = (): void => this.#wake?.();

  /** Resolves at the next {@link Waiter.wake}, or after `limitMs`. */
  wait(limitMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel =
        limitMs === undefined ? undefined : this.#link.clock.schedule(limitMs, this.wake);
      this.#wake = () => {
        this.#wake = undefined;
        cancel?.();
        resolve();
      };
    });
  }
}

export interface MenderOptions {
  readonly link: Link;
  readonly waiter: Waiter;
  /** False once the watch is closed; throws what ends it. */
  readonly isOpen: () => boolean;
  /** Ends a pause early. */
  readonly stop: AbortSignal;
}

/** Tries again what failed for want of a server, for as long as a watch may do so without telling anybody. */
export class Mender {
  readonly #options: MenderOptions;
  /** In a row, since something was delivered. */
  #failures = 0;

  constructor(options: MenderOptions) {
    this.#options = options;
  }

  failed(): void {
    this.#failures += 1;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** The longer the more failures there were. */
  async pause(): Promise<void> {
    const { link, stop } = this.#options;
    const delayMs = backoffDelay(RETRY_LIMITS, this.#failures, link.random());
    await sleep(link.clock, delayMs, stop).catch(() => {});
  }

  /**
   * Tries until it succeeds; false where the watch was closed meanwhile. Throws the last failure once {@link MEND_MS} have
   * passed since the trouble began.
   */
  async persist(
    since: number,
    attempt: () => Promise<void>,
    reason?: MillpondError,
  ): Promise<boolean> {
    const { link, waiter, isOpen } = this.#options;
    let failure: unknown = reason;
    while (isOpen()) {
      const leftMs = since + MEND_MS - link.clock.now();
      if (leftMs <= 0 && failure !== undefined) throw failure;
      if (link.state === "down") {
        failure = link.whyDown;
        await waiter.wait(leftMs);
        continue;
      }
      try {
        await inTime(link.clock, leftMs, "follow the bucket", attempt());
        return isOpen();
      } catch (error) {
        if (!isTransient(error)) throw error;
        failure = error;
        this.failed();
        await this.pause();
      }
    }
    return false;
  }
}
