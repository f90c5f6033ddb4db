import { isDeepStrictEqual } from "node:util";
import { Day } from "./day.js";
import type { PlannedFault, Round } from "./plan.js";
import type { Settings } from "./settings.js";

/** The shortest day that was found on which a consumer goes wrong. */
export interface Shortest {
  readonly day: Day;
  /** What is to be said of it. */
  readonly note: string;
}

/**
 * Runs a day that went wrong again, with ever fewer faults, as long as it goes wrong without them. The first time with all of them: a
 * consumer that does something else then does not go by the seed alone, and nothing could be learned from leaving faults out.
 */
export async function shorten(
  settings: Settings,
  rounds: readonly Round[],
  failed: Day,
): Promise<Shortest> {
  const { maxReruns } = settings;
  if (maxReruns === 0) return { day: failed, note: "No faults were left out." };
  const again = await Day.live(settings, rounds);
  if (!isSame(failed, again)) {
    return {
      day: failed,
      note:
        "It went differently when it was run again: something in the consumer does not go by what it is given (setTimeout, Date.now, " +
        "Math.random, real I/O, or a variable outside of `start`).",
    };
  }
  return new Shortening(settings, failed, upTo(rounds, failed)).run(maxReruns - 1);
}

class Shortening {
  readonly #settings: Settings;
  readonly #count: number;
  #day: Day;
  #rounds: readonly Round[];
  #left = 0;

  constructor(settings: Settings, day: Day, rounds: readonly Round[]) {
    this.#settings = settings;
    this.#day = day;
    this.#rounds = rounds;
    this.#count = faultsOf(rounds).length;
  }

  async run(reruns: number): Promise<Shortest> {
    this.#left = reruns;
    // Mostly one round is enough.
    await this.#try(this.#rounds.slice(-1));
    let size = Math.ceil(faultsOf(this.#rounds).length / 2);
    while (size >= 1) {
      const isShorter = await this.#leaveOut(size);
      if (size === 1 && !isShorter) break;
      if (!isShorter) size = Math.floor(size / 2);
      else size = Math.min(size, Math.ceil(faultsOf(this.#rounds).length / 2));
    }
    return { day: this.#day, note: this.#note() };
  }

  #note(): string {
    const needed = faultsOf(this.#rounds).length;
    if (needed === 0) return "No fault is needed: it goes wrong without any.";
    const isDone = this.#left > 0 ? "" : ` More could be, perhaps: maxReruns is reached.`;
    return `${this.#count - needed} of ${this.#count} faults are left out, without which it goes wrong too.${isDone}`;
  }

  /** Tries without each run of so many faults, from the last on. */
  async #leaveOut(size: number): Promise<boolean> {
    let isShorter = false;
    for (let end = faultsOf(this.#rounds).length; end > 0; end -= size) {
      const faults = faultsOf(this.#rounds);
      const without = new Set(faults.slice(Math.max(0, end - size), end));
      const rounds = this.#rounds.map((round) => ({
        ...round,
        faults: round.faults.filter((fault) => !without.has(fault)),
      }));
      if (await this.#try(rounds)) isShorter = true;
    }
    return isShorter;
  }

  async #try(rounds: readonly Round[]): Promise<boolean> {
    if (this.#left === 0) return false;
    this.#left -= 1;
    const day = await Day.live(this.#settings, rounds);
    if (day.failure === undefined) return false;
    this.#day = day;
    this.#rounds = upTo(rounds, day);
    return true;
  }
}

function faultsOf(rounds: readonly Round[]): PlannedFault[] {
  return rounds.flatMap(({ faults }) => faults);
}

/** Those that were lived through. */
function upTo(rounds: readonly Round[], { failure }: Day): readonly Round[] {
  return rounds.filter(({ number }) => number <= (failure?.round ?? 0));
}

function isSame(one: Day, other: Day): boolean {
  return (
    isDeepStrictEqual(one.failure, other.failure) &&
    isDeepStrictEqual(one.story.told, other.story.told)
  );
}
