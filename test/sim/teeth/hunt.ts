import type { Fault } from "./fault.js";
import { type Finding, runSeeds, runTest, type Seeds } from "./run-seeds.js";

/** What came of looking for a fault. */
export interface Catch {
  readonly fault: Fault;
  /** By the simulator; `undefined`: it was not found, or is no business of its own. */
  readonly finding: Finding | undefined;
  /** Seeds that were tried; left out are those that break a promise without the fault as well. */
  readonly seeds: number;
  /** Whether the test of the fault finds it. */
  readonly byTest: boolean;
}

/** Looks for faults with the simulator. What it finds counts only where the same seed finds nothing in the code as it is. */
export class Hunt {
  readonly #seeds: Seeds;
  readonly #sound = new Map<number, Promise<Finding | undefined>>();

  constructor(seeds: Seeds) {
    this.#seeds = seeds;
  }

  /** Seeds that break a promise without any fault, as far as they were looked at. */
  async unsound(): Promise<Finding[]> {
    const found = await Promise.all(this.#sound.values());
    return found.filter((finding) => finding !== undefined);
  }

  async find(fault: Fault): Promise<Catch> {
    if (fault.test !== undefined) {
      return { fault, finding: undefined, seeds: 0, byTest: await runTest(fault) };
    }
    const { last, steps } = this.#seeds;
    let { first } = this.#seeds;
    let seeds = 0;
    while (first <= last) {
      const { tried, finding } = await runSeeds(fault, { first, last, steps });
      seeds += tried;
      if (finding === undefined) break;
      if ((await this.#without(finding.seed)) === undefined) {
        return { fault, finding, seeds, byTest: false };
      }
      seeds -= 1;
      first = finding.seed + 1;
    }
    return { fault, finding: undefined, seeds, byTest: false };
  }

  /** What the code as it is does in this seed. */
  #without(seed: number): Promise<Finding | undefined> {
    let finding = this.#sound.get(seed);
    if (finding === undefined) {
      const { steps } = this.#seeds;
      const running = runSeeds(undefined, { first: seed, last: seed, steps });
      finding = running.then((outcome) => outcome.finding);
      this.#sound.set(seed, finding);
    }
    return finding;
  }
}
