import type { Worker } from "node:worker_threads";

/** How many workers of this process came to run their script, from the call to the end of the scope: each says so. */
export function countWorkers(): { readonly count: number } & Disposable {
  let count = 0;
  const watch = (worker: Worker): void => void worker.once("message", () => (count += 1));
  process.on("worker", watch);
  return {
    get count() {
      return count;
    },
    [Symbol.dispose]: () => void process.off("worker", watch),
  };
}
