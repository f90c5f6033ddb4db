import { parentPort, Worker, workerData } from "node:worker_threads";

/** How a worker ended: with an answer, or without one because it could not be started. */
export type WorkerOutcome =
  { readonly state: "answered"; readonly answer: unknown } | { readonly state: "missing" };

/** What the thread sends: first that its script runs, then the answer. */
type Message = { readonly state: "started" } | Extract<WorkerOutcome, { state: "answered" }>;

/**
 * Runs `script` in a thread of its own, and resolves with what it answers ({@link answerAsWorker}), or with `missing` where
 * the script never came to run: it is not where it should be, or this process may start no thread. The thread keeps the
 * process alive, as other work under way does; aborting `signal` ends it and rejects with the signal's reason. Rejects where
 * the thread dies after it has begun. `data` and the answer are copied (structured clone).
 */
export async function runInWorker(
  script: URL,
  data: unknown,
  signal: AbortSignal,
): Promise<WorkerOutcome> {
  signal.throwIfAborted();
  const worker = startWorker(script, data);
  if (worker === undefined) return { state: "missing" };
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
  send({ state: "started" });
  send({ state: "answered", answer: await run(workerData) });
}

function send(message: Message): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is a window's
  parentPort?.postMessage(message);
}

/** Undefined where the process may start none, as Node's permission model has it. */
function startWorker(script: URL, data: unknown): Worker | undefined {
  try {
    // The process's own options may be none for a script that is a file: `--input-type`.
    return new Worker(script, { workerData: data, execArgv: [] });
  } catch {
    return undefined;
  }
}

function outcomeOf(worker: Worker, signal: AbortSignal): Promise<WorkerOutcome> {
  return new Promise((resolve, reject) => {
    let isStarted = false;
    let failure = new Error("the worker ended too early");
    worker.on("message", (message: Message) => {
      if (message.state === "started") isStarted = true;
      else resolve(message);
    });
    worker.once("error", (error) => (failure = error));
    // Only by now all that it sent has come: an error may overtake that.
    worker.once("exit", () => {
      if (signal.aborted) reject(signal.reason as Error);
      else if (isStarted) reject(failure);
      else resolve({ state: "missing" });
    });
  });
}
