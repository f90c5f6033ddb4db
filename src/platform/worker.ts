import { parentPort, Worker, workerData } from "node:worker_threads";

/** How a worker ended: with an answer, or without one because its script is not where it should be. */
export type WorkerOutcome =
  { readonly state: "answered"; readonly answer: unknown } | { readonly state: "missing" };

/**
 * Runs `script` in a thread of its own, and resolves with what it answers ({@link answerAsWorker}). The thread keeps no
 * process alive; aborting `signal` ends it and rejects with the signal's reason. Rejects where the thread dies. `data` and
 * the answer are copied (structured clone).
 */
export async function runInWorker(
  script: URL,
  data: unknown,
  signal: AbortSignal,
): Promise<WorkerOutcome> {
  signal.throwIfAborted();
  const worker = new Worker(script, { workerData: data });
  worker.unref();
  const end = (): void => void worker.terminate();
  signal.addEventListener("abort", end, { once: true });
  try {
    return await outcomeOf(worker, signal);
  } finally {
    signal.removeEventListener("abort", end);
    // Ended in any case before the caller goes on: it may hold files open that are to be removed.
    await worker.terminate();
  }
}

/** In a worker's script: answers with what `run` makes of the data. */
export async function answerAsWorker(run: (data: unknown) => Promise<unknown>): Promise<void> {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is a window's
  parentPort?.postMessage(await run(workerData));
}

function outcomeOf(worker: Worker, signal: AbortSignal): Promise<WorkerOutcome> {
  return new Promise((resolve, reject) => {
    worker.once("message", (answer: unknown) => resolve({ state: "answered", answer }));
    worker.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "MODULE_NOT_FOUND" || error.code === "ERR_MODULE_NOT_FOUND") {
        resolve({ state: "missing" });
      } else {
        reject(error);
      }
    });
    worker.once("exit", () => {
      reject(signal.aborted ? (signal.reason as Error) : new Error("the worker ended too early"));
    });
  });
}
