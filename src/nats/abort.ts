import { MillpondError } from "../errors/index.js";
import type { Clock } from "../platform/index.js";

/**
 * What `work` gives, or the signal's reason as soon as it is aborted. Work that cannot be told to stop goes on; what it then
 * gives is handed to `discard`.
 */
export async function unlessAborted<T>(
  work: Promise<T>,
  signal: AbortSignal | undefined,
  discard: (late: T) => Promise<void>,
): Promise<T> {
  if (signal === undefined) return await work;
  return await new Promise<T>((resolve, reject) => {
    const onAbort = (): void => {
      reject(signal.reason as Error);
      work.then(discard).catch(() => {});
    };
    if (signal.aborted) {
      onAbort();
      return;
    }
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** What `work` gives; throws `timeout` where that takes longer than `limitMs`. The work goes on then, and nobody hears of it. */
export async function inTime<T>(
  clock: Clock,
  limitMs: number,
  doing: string,
  work: Promise<T>,
): Promise<T> {
  return await new Promise<T>((resolve, reject) => {
    const cancel = clock.schedule(limitMs, () => {
      reject(new MillpondError("timeout", `no answer in time: ${doing}`));
    });
    work.then(resolve, reject).finally(cancel);
  });
}
