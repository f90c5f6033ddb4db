import { BadDayError } from "./bad-day-error.js";
import { Day } from "./day.js";
import type { BadDayOptions, BadDayReport } from "./options.js";
import { planOf } from "./plan.js";
import { settingsOf } from "./settings.js";
import { shorten } from "./shorten.js";
import { lineOf } from "./story.js";

/**
 * Lets a consumer of a bucket live through a day on which everything goes wrong, in virtual time: what was written to the bucket is dropped,
 * its markers purged, the bucket made anew or rolled back, the line cut, silent and slow, the disk full, failing and slow, the process killed and
 * started again. Every half a minute all of it ends, and the consumer's state must become what it should be by the bucket.
 *
 * Resolves with what happened. Rejects with a {@link BadDayError} where the state does not become right, which names the keys that differ
 * and the fewest faults that it takes; with `invalid-argument` or `invalid-key` for options out of bounds.
 *
 * The same seed is the same day, as long as the consumer goes by the `clock`, `random`, `fs` and `source` that it is given.
 */
export async function simulateBadDay(options: BadDayOptions): Promise<BadDayReport> {
  const settings = settingsOf(options);
  const plan = planOf(settings);
  const day = await Day.live(settings, plan);
  if (day.failure !== undefined) {
    const shortest = await shorten(settings, plan, day);
    throw new BadDayError(shortest.day, shortest.day.failure ?? day.failure, shortest.note);
  }
  return {
    seed: settings.seed,
    virtualMs: day.virtualMs,
    rounds: day.rounds,
    updates: day.updates,
    starts: day.starts,
    faults: day.faults.counts,
    story: day.story.told.map(lineOf),
  };
}
