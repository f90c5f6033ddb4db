import type { Random } from "../../src/platform/index.js";
import { randomFrom } from "../support/seed.js";
import { smallest } from "./shrink.js";
import type { Input, Target, Verdict } from "./target.js";

/** Far more than any of these inputs takes: more is a hang. */
const INPUT_MS_MAX = 5_000;
/** Of one target: the first few show what is wrong. */
const FAILURES_MAX = 3;

export interface Failure {
  /** With the seed of the run and the target's name, what makes the input again. */
  readonly index: number;
  readonly error: unknown;
  readonly input: Input;
  /** Fails too, and is no larger. */
  readonly smallest: Input;
}

export interface Tally {
  readonly target: string;
  readonly verdicts: ReadonlyMap<Verdict, number>;
  readonly inputs: number;
  readonly slowestMs: number;
  readonly failures: readonly Failure[];
}

/** Feeds `count` inputs to a target; with `only`, the one of that index alone. Ends early at the third failure. */
export async function fuzz(
  target: Target,
  seed: number,
  { count, only }: { readonly count: number; readonly only?: number | undefined },
): Promise<Tally> {
  const verdicts = new Map<Verdict, number>();
  const failures: Failure[] = [];
  let slowestMs = 0;
  let index = only ?? 0;
  const end = only === undefined ? count : only + 1;
  for (; index < end && failures.length < FAILURES_MAX; index += 1) {
    const input = target.generate(randomOf(seed, target.name, index));
    const started = performance.now();
    try {
      const verdict = await target.check(input);
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
      const tookMs = performance.now() - started;
      slowestMs = Math.max(slowestMs, tookMs);
      if (tookMs > INPUT_MS_MAX) await requireQuick(target, input);
    } catch (error) {
      failures.push({ index, error, input, smallest: await smallest(target, input) });
    }
  }
  return { target: target.name, verdicts, inputs: index - (only ?? 0), slowestMs, failures };
}

/** Throws as the target's `check`, and where that takes too much of the processor's time: on a busy machine it may only have to wait. */
export async function requireQuick(target: Target, input: Input): Promise<void> {
  const started = process.cpuUsage();
  await target.check(input);
  const { user, system } = process.cpuUsage(started);
  const tookMs = (user + system) / 1000;
  if (tookMs > INPUT_MS_MAX) throw new Error(`it took ${Math.round(tookMs)} ms`);
}

/** Each input has numbers of its own, so that one can be made again without those before it. */
function randomOf(seed: number, name: string, index: number): Random {
  let mixed = seed | 0;
  for (const unit of name) mixed = Math.imul(mixed ^ unit.charCodeAt(0), 0x01000193);
  mixed = Math.imul(mixed ^ index, 0x9e3779b1);
  return randomFrom(mixed ^ (mixed >>> 15));
}
