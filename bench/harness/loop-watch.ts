import { monitorEventLoopDelay } from "node:perf_hooks";

const NS_PER_MS = 1e6;

export interface LoopHolds {
  /** The longest time between two runs of a timer of 1 ms, less that millisecond. */
  readonly byTimerMs: number;
  /** What the runtime's own delay monitor saw; it is known to miss stalls. */
  readonly byMonitorMs: number;
}

/** Watches how long the event loop is held, until the function returned is called. */
export function watchLoop(): () => Promise<LoopHolds> {
  const monitor = monitorEventLoopDelay({ resolution: 1 });
  monitor.enable();
  let longestMs = 0;
  let lastAt = performance.now();
  let timer: NodeJS.Timeout;
  const tick = (): void => {
    const now = performance.now();
    longestMs = Math.max(longestMs, now - lastAt - 1);
    lastAt = now;
    timer = setTimeout(tick, 1);
  };
  timer = setTimeout(tick, 1);
  return async () => {
    // A hold that goes on to this moment is seen by the timer's next run only.
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
    clearTimeout(timer);
    monitor.disable();
    return { byTimerMs: longestMs, byMonitorMs: monitor.max / NS_PER_MS };
  };
}

const NOISE_MS = 1000;

/** How long the machine alone holds a loop that has nothing to do: what of the other figures is noise. */
export async function watchIdleLoop(): Promise<LoopHolds> {
  const stop = watchLoop();
  await new Promise((resolve) => {
    setTimeout(resolve, NOISE_MS);
  });
  return await stop();
}
