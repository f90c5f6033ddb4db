import type { KvWatch, KvWatcher, WatchBatch } from "../kv/index.js";

/** The source, telling of each batch that is taken from it how often what delivers was replaced by then. */
export function observed(source: KvWatcher, onRebuilds: (rebuilds: number) => void): KvWatcher {
  return {
    async watch(scope, options) {
      return new ObservedWatch(await source.watch(scope, options), onRebuilds);
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
