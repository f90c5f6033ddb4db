/**
 * The promise's outcome, or a rejection with the signal's reason as soon as it is aborted, so that a backend that hangs
 * cannot hold up a shutdown. `late` is given a result that arrives after that, to be disposed of.
 */
export function orAbort<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  late?: (result: T) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    const settle = (): void => signal.removeEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then(
      (result) => {
        settle();
        if (signal.aborted) late?.(result);
        resolve(result);
        return undefined;
      },
      (error: unknown) => {
        settle();
        reject(error);
      },
    );
  });
}
