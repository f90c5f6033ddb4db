interface Step {
  readonly position: bigint;
  readonly at: number;
}

/** When the copy came to its positions, as far as it has what it got there still: of what a repair of its log took, nothing is left. */
export class Lineage {
  #steps: Step[] = [];

  /** A process has read the copy from its log, and it was there at `at` at the latest. */
  opened(position: bigint | undefined, at: number): void {
    this.#steps = this.#steps.filter((step) => step.position <= (position ?? -1n));
    this.cameThere(position, at);
  }

  /** While it withdraws its position it keeps what it has. */
  cameThere(position: bigint | undefined, at: number): void {
    if (position === undefined) return;
    this.#steps = this.#steps.filter((step) => step.position <= position);
    if (this.#steps.at(-1)?.position !== position) this.#steps.push({ position, at });
  }

  /** When it came to what has this sequence; `Infinity`: it has not. */
  cameTo(sequence: number): number {
    return this.#steps.find((step) => step.position >= sequence)?.at ?? Infinity;
  }
}
