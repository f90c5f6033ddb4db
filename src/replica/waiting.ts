interface Waiter {
  readonly isMet: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Callers that wait until something holds: asked when they come, and whenever it may have changed. */
export class Waiting {
  readonly #waiters = new Set<Waiter>();
  #end: { readonly error: unknown } | undefined;

  /** Nothing will change any more: whoever waits now, or later for what does not hold, is told why. */
  fail(error: unknown): void {
    this.#end ??= { error };
    for (const { reject } of this.#waiters) reject(this.#end.error);
    this.#waiters.clear();
  }

  /** Something has changed. */
  look(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.isMet()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** Rejects with what {@link Waiting.fail} was told, or with the signal's reason. */
  async until(isMet: () => boolean, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (isMet()) return;
    if (this.#end !== undefined) throw this.#end.error;
    let onAbort: (() => void) | undefined;
    let waiter: Waiter | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        waiter = { isMet, resolve, reject };
        this.#waiters.add(waiter);
        onAbort = () => reject(signal?.reason as Error);
        signal?.addEventListener("abort", onAbort, { once: true });
      });
    } finally {
      if (waiter !== undefined) this.#waiters.delete(waiter);
      if (onAbort !== undefined) signal?.removeEventListener("abort", onAbort);
    }
  }
}
