/** Something that is waited for by any number of callers, and comes about, or fails, once. */
export class Readiness {
  readonly #settled: Promise<void>;
  #settle: { resolve(): void; reject(error: unknown): void } = {
    resolve: () => undefined,
    reject: () => undefined,
  };

  constructor() {
    this.#settled = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    // Whoever waits sees the rejection; that nobody waits is no failure.
    this.#settled.catch(() => undefined);
  }

  reach(): void {
    this.#settle.resolve();
  }

  fail(error: unknown): void {
    this.#settle.reject(error);
  }

  /** Rejects with what it failed with, or with the signal's reason. */
  async wait(signal: AbortSignal | undefined): Promise<void> {
    if (signal === undefined) return this.#settled;
    signal.throwIfAborted();
    let onAbort: (() => void) | undefined;
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(signal.reason as Error);
      signal.addEventListener("abort", onAbort, { once: true });
    });
    try {
      await Promise.race([this.#settled, aborted]);
    } finally {
      if (onAbort !== undefined) signal.removeEventListener("abort", onAbort);
    }
  }
}
