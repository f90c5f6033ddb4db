import type { Action } from "./deed.js";
import type { SimConfig } from "./config.js";
import { replayScript, type Script } from "./simulation.js";

export interface ShrinkLimits {
  /** Replays at most. */
  readonly runs: number;
}

/** What is left out of a configuration, where the violation comes without it too. */
const SIMPLER: readonly ((config: SimConfig) => SimConfig)[] = [
  (config) => ({ ...config, followers: 0 }),
  (config) => ({ ...config, hasService: false }),
  (config) => ({ ...config, line: { ...config.line, mostMs: 0 } }),
  (config) => ({ ...config, line: { ...config.line, duplicates: 0 } }),
  (config) => ({ ...config, line: { ...config.line, readAhead: 0 } }),
  (config) => ({ ...config, disk: { ...config.disk, mostMs: 0 } }),
  (config) => ({ ...config, bucket: { history: 1 } }),
  (config) => ({ ...config, replica: { ...config.replica, windowMs: 0 } }),
];

/**
 * A shorter script in which the same check finds something. Drops parts of the actions, ever smaller ones, and what the
 * configuration has beyond the plain. Gives back the script where it does not fail at all.
 */
export async function shrink(script: Script, check: string, limits: ShrinkLimits): Promise<Script> {
  const shrinker = new Shrinker(check, limits.runs);
  let best = (await shrinker.failing(script)) ?? script;
  best = (await shrinker.failing({ ...best, closing: [] })) ?? best;
  for (const simpler of SIMPLER) {
    best = (await shrinker.failing({ ...best, config: simpler(best.config) })) ?? best;
  }
  for (let size = Math.ceil(best.actions.length / 2); size >= 1; size = Math.floor(size / 2)) {
    best = await shrinker.withoutParts(best, size);
  }
  return best;
}

class Shrinker {
  readonly #check: string;
  #left: number;

  constructor(check: string, runs: number) {
    this.#check = check;
    this.#left = runs;
  }

  /** What was run of the script up to the violation; `undefined` where there is none, or nothing may be run any more. */
  async failing(script: Script): Promise<Script | undefined> {
    if (this.#left <= 0) return undefined;
    this.#left -= 1;
    const { violation, script: run } = await replayScript(script);
    if (violation?.check !== this.#check) return undefined;
    // A violation after the faults had ended needs their end, any other one stops the run by itself.
    return { ...run, endsAt: script.endsAt };
  }

  async withoutParts(script: Script, size: number): Promise<Script> {
    let best = script;
    for (let from = 0; from < best.actions.length;) {
      const actions: readonly Action[] = best.actions.toSpliced(from, size);
      const shorter = await this.failing({ ...best, actions });
      if (shorter === undefined) from += size;
      else best = shorter;
    }
    return best;
  }
}
