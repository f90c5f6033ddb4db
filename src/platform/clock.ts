/** Time, injected so that a test or a simulation can own it. All times are milliseconds. */
export interface Clock {
  /** Wall-clock time since the Unix epoch. */
  now(): number;
  /**
   * Time that nobody sets, from any beginning. It may stand still while the machine sleeps. Left out: that the wall clock was set back shows
   * only where a later look at it gives an earlier time.
   */
  steady?(): number;
  /** Runs `callback` once after `delayMs`; the function returned calls it off. Keeps no process alive. */
  schedule(delayMs: number, callback: () => void): () => void;
  /**
   * Keeps the process from ending for want of work until the function returned is called. Left out: a timer of this process does. A simulated
   * machine has no process to keep.
   */
  keepProcessAlive?(): () => void;
}

/** A number from 0 (included) to 1 (excluded), as `Math.random` gives. */
export type Random = () => number;

/** `Math.random`. */
export const systemRandom: Random = () => Math.random();

/** The wall clock, and timers that keep no process alive. */
export const systemClock: Clock = {
  now: () => Date.now(),
  steady: () => performance.now(),
  schedule(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Time for spans of it: {@link Clock.steady}, or the wall clock where there is none. */
export function steadyNow(clock: Clock): number {
  return clock.steady?.() ?? clock.now();
}

/** Two clocks, of whole milliseconds and of finer ones, do not go quite alike. */
export const CLOCK_ROUNDING_MS = 1;

/**
 * A moment, now if nothing else is said, for later: what is returned tells it by the wall clock as that is set by then, which it would be in if
 * that had been set so all along. Without {@link Clock.steady} the moment as it was read.
 */
export function momentOf(clock: Clock, at?: number): () => number {
  const wall = clock.now();
  const steady = clock.steady?.();
  const moment = at ?? wall;
  return () => {
    if (steady === undefined || clock.steady === undefined) return moment;
    const setBackMs = clock.steady() - steady - (clock.now() - wall);
    return setBackMs > CLOCK_ROUNDING_MS ? moment - Math.ceil(setBackMs) : moment;
  };
}

/** Resolves after `delayMs` by `clock`; rejects with the signal's reason as soon as it is aborted. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    const cancel = clock.schedule(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Lets timers and I/O have their turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const LONGEST_INTERVAL_MS = 2 ** 31 - 1;

/** See {@link Clock.keepProcessAlive}. */
export function keepProcessAlive(clock?: Clock): () => void {
  if (clock?.keepProcessAlive !== undefined) return clock.keepProcessAlive();
  const timer = setInterval(() => undefined, LONGEST_INTERVAL_MS);
  return () => clearInterval(timer);
}
