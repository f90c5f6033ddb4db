import { setTimeout as delay } from "node:timers/promises";

/**
 * Resolves with what `condition` gives as soon as that is neither false nor undefined; asks again every few
 * milliseconds. Throws after `deadlineMs` (default 10 s), naming what was waited for.
 */
export async function until<T>(
  what: string,
  condition: () => T | false | undefined | Promise<T | false | undefined>,
  deadlineMs = 10_000,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await condition();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await delay(5);
  }
}
