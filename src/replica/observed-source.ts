import type { KvWatch, KvWatcher, WatchBatch } from "../kv/index.js";

/** Told what passes by on the way from a source, and goes no further. */
export interface SourceObserver {
  /** A watch was set up: what it cannot promise. */
  warned(warning: string | undefined): void;
  /** A batch was taken; what delivers was replaced so often by then. */
  taken(rebuilds: number): void;
}

export function observed(source: KvWatcher, observer: SourceObserver): KvWatcher {
  return {
    async watch(scope, options) {
      const watch = await source.watch(scope, options);
      observer.warned(watch.warning);
      return new ObservedWatch(watch, (rebuilds) => observer.taken(rebuilds));
    },
  };
}

class ObservedWatch implements KvWatch {
  readonly warning?: string;
  readonly #watch: KvWatch;
  readonly #onRebuilds: (rebuilds: number) => void;

  constructor(watch: KvWatch, onRebuilds: (rebuilds: number) => void) {
    this.#watch = watch;
    this.#onRebuilds = onRebuilds;
    if (watch.warning !== undefined) this.warning = watch.warning;
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchBatch> {
    const iterator = this.#watch[Symbol.asyncIterator]();
    return {
      next: async () => {
        const step = await iterator.next();
        if (step.done !== true) this.#onRebuilds(step.value.rebuilds ?? 0);
        return step;
      },
    };
  }

  close(): Promise<void> {
    return this.#watch.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
