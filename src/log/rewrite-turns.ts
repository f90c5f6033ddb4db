/** A place in the log that a rewriting moves. */
interface Mark {
  offset: number;
}

/** Lets one rewriting of a log run at a time, and keeps up to date where those that wait for their turn begin. */
export class RewriteTurns {
  readonly #marks = new Set<Mark>();
  /** Settles when the one under way has, and never rejects. Whoever waits for it looks again afterwards. */
  #running: Promise<void> | undefined;

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Calls `run` once no other is under way, with the offset where `offset` is by then. Passes on what it throws. */
  async take(offset: number, run: (offset: number) => Promise<void>): Promise<void> {
    const mark: Mark = { offset };
    this.#marks.add(mark);
    try {
      // Looked at right before: of those that wait for the same one only the first may go on.
      while (this.#running !== undefined) await this.#running;
      const running = run(mark.offset);
      const clear = (): void => {
        this.#running = undefined;
      };
      this.#running = running.then(clear, clear);
      await running;
    } finally {
      this.#marks.delete(mark);
    }
  }

  /** The log is another file by now, in which each offset has another place. */
  moved(placeOf: (offset: number) => number): void {
    for (const mark of this.#marks) mark.offset = placeOf(mark.offset);
  }

  async settled(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }
}
