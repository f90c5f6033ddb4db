/** A position, and when the copy was there at the latest. */
export interface Step {
  readonly position: bigint;
  readonly at: number;
}

/** When the copy came to its positions, as far as it has what it got there still: of what a repair of its log took, nothing is left. */
export class Lineage {
  #steps: Step[] = [];
  /** The same from one repair to the next, the latest last: a loss of power may bring back what was there before one. */
  #runs: Step[][] = [];

  /** A process has read the copy from its log, and it was there at `at` at the latest. */
  opened(position: bigint | undefined, at: number): void {
    this.#steps = upTo(this.#steps, position ?? -1n);
    const isOf = (run: Step[]): boolean => run.some((step) => step.position === position);
    const index = this.#runs.findLastIndex(isOf);
    if (index >= 0) this.#runs.length = index + 1;
    this.cameThere(position, at);
  }

  /** While it withdraws its position it keeps what it has. */
  cameThere(position: bigint | undefined, at: number): void {
    if (position === undefined) {
      this.repaired();
      return;
    }
    this.#steps = upTo(this.#steps, position);
    const run = upTo(this.#runs.pop() ?? [], position);
    this.#runs.push(run);
    for (const steps of [this.#steps, run]) {
      if (steps.at(-1)?.position !== position) steps.push({ position, at });
    }
  }

  /** It begins again with all that the bucket has. */
  repaired(): void {
    this.#runs.push([]);
  }

  /** Where it was at that time, if it has gone on from there: one that resumed in another history has all before that from the old one. */
  resumedFrom(time: number): Step | undefined {
    return this.#runs.at(-1)?.findLast(({ at }) => at < time);
  }

  /** When it was further than there, and so had heard of the history that there was by then. */
  leftAt(step: Step): number | undefined {
    const run = this.#runs.at(-1) ?? [];
    return run[run.indexOf(step) + 1]?.at;
  }

  /** Where it was at that time, be there a repair since then or not. */
  wasAt(time: number): Step | undefined {
    return this.#runs.flat().findLast(({ at }) => at < time);
  }

  /** When it came to what has this sequence; `Infinity`: it has not. */
  cameTo(sequence: number): number {
    return this.#steps.find((step) => step.position >= sequence)?.at ?? Infinity;
  }
}

function upTo(steps: readonly Step[], most: bigint): Step[] {
  return steps.filter(({ position }) => position <= most);
}
