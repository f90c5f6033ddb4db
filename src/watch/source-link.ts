import type { KvStore, KvWatcher } from "../kv/index.js";
import type { Clock } from "../platform/index.js";

/** A source, which may also tell when its connection comes and goes. */
export type WatchSource = KvWatcher & Partial<Pick<KvStore, "connected" | "onConnectedChange">>;

/** Waits for `delayMs`, and resolves with true as soon as the source says that it is connected again. Rejects with an abort's reason. */
export function untilConnected(
  source: WatchSource,
  clock: Clock,
  delayMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const end = (): void => {
      cancel();
      forget?.();
      signal.removeEventListener("abort", onAbort);
    };
    const onAbort = (): void => {
      end();
      reject(signal.reason as Error);
    };
    const cancel = clock.schedule(delayMs, () => {
      end();
      resolve(false);
    });
    const forget = source.onConnectedChange?.(() => {
      if (source.connected !== true) return;
      end();
      resolve(true);
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
