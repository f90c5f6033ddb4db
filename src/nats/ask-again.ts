import { sleep, type Clock, type Random } from "../platform/index.js";

/** Between two asks: from the first pause, which doubles, to the longest; and up to half as much more. */
const PAUSE_MS = { first: 750, longest: 1_500 };

/**
 * The first answer to something that is asked again while no answer comes, until `limitMs` have passed. A request that came to a
 * server just when nobody led is answered by no one, ever; one that is only slow is not given up for it, because an answer to an
 * earlier ask is as good. Only for what does the same when it is asked twice. `ask` is given the time that is left.
 */
export async function askAgain<T>(
  clock: Clock,
  random: Random,
  limitMs: number,
  ask: (leftMs: number, asked: number) => Promise<T>,
): Promise<T> {
  const endsAt = clock.now() + limitMs;
  const stop = new AbortController();
  const asks: Promise<T>[] = [];
  try {
    for (let pauseMs = PAUSE_MS.first; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS.longest)) {
      const leftMs = endsAt - clock.now();
      if (asks.length > 0 && leftMs < PAUSE_MS.first) return await Promise.race(asks);
      asks.push(ask(leftMs, asks.length));
      const paused = sleep(clock, Math.round(pauseMs * (1 + random() / 2)), stop.signal);
      const first = await Promise.race([
        ...asks.map((each) => each.then((answer) => ({ answer }))),
        paused.then(
          () => undefined,
          () => undefined,
        ),
      ]);
      if (first !== undefined) return first.answer;
    }
  } finally {
    stop.abort();
    // Nobody waits for the others.
    for (const each of asks) each.catch(() => {});
  }
}
