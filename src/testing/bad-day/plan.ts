import type { Random } from "../../platform/index.js";
import { integerBelow, randomFor } from "../simulation/random.js";
import type { Settings } from "./settings.js";
import type { BadDayFault } from "./options.js";

/** How long faults come before the state is looked at, in virtual milliseconds. */
export const ROUND_MS = 30_000;
/** From one fault to the next on the average. */
const BETWEEN_MS = 4000;
const LONGEST_MS = 15_000;

/** A fault that is to come. */
export interface PlannedFault {
  readonly what: BadDayFault;
  /** Milliseconds since its round began. */
  readonly at: number;
  /** How long it lasts, where it does. */
  readonly ms: number;
  /** Which part of what there is it hits, from 0 to 1. */
  readonly share: number;
}

/** A stretch with faults, which ends with a look at the state. */
export interface Round {
  /** From 1 on. What is written in it goes by this number. */
  readonly number: number;
  readonly ms: number;
  readonly faults: readonly PlannedFault[];
}

/** Something that is written to the bucket. */
export interface PlannedWrite {
  /** Milliseconds since its round began. */
  readonly at: number;
  readonly kind: "put" | "delete" | "purge";
  readonly key: string;
}

/** The faults of a seed. */
export function planOf(settings: Settings): Round[] {
  const { seed, durationMs } = settings;
  const count = Math.ceil(durationMs / ROUND_MS);
  return Array.from({ length: count }, (_, index) => {
    const number = index + 1;
    const ms = Math.min(ROUND_MS, durationMs - index * ROUND_MS);
    const faults = settings.faults.length === 0 ? [] : faultsOf(seed, number, ms, settings.faults);
    return { number, ms, faults };
  });
}

function faultsOf(
  seed: number,
  number: number,
  ms: number,
  kinds: readonly BadDayFault[],
): PlannedFault[] {
  const random = randomFor(seed, `faults ${number}`);
  const faults: PlannedFault[] = [];
  for (let at = pause(random, BETWEEN_MS); at < ms; at += pause(random, BETWEEN_MS)) {
    const what = kinds[integerBelow(random, kinds.length)];
    const length = Math.ceil(random() ** 2 * LONGEST_MS);
    if (what !== undefined) faults.push({ what, at, ms: length, share: random() });
  }
  return faults;
}

/** What is written in a round, whatever else happens in it. */
export function* writesOf(
  { seed, keys, updatesPerSecond }: Settings,
  round: Round,
): Generator<PlannedWrite, void> {
  const random = randomFor(seed, `writes ${round.number}`);
  const mean = 1000 / updatesPerSecond;
  // Half of the writes are of a few keys; of the others some are left alone for long, so that what is lost of them stays lost.
  const busy = Math.ceil(keys.length / 8);
  for (let at = pause(random, mean); at < round.ms; at += pause(random, mean)) {
    const index = integerBelow(random, random() < 1 / 2 ? busy : keys.length);
    const dice = random();
    const kind = dice < 0.15 ? "delete" : dice < 0.2 ? "purge" : "put";
    yield { at, kind, key: keys[index] ?? "" };
  }
}

function pause(random: Random, meanMs: number): number {
  return Math.round(-Math.log(1 - random()) * meanMs);
}
