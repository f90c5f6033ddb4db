/** Holds up whoever passes until the test lets them go. */
export class Gate {
  #waiting: ((error: Error | undefined) => void)[] = [];
  #isOpen = false;

  /** Resolves when the test says so, or rejects with what it says. */
  pass(): Promise<void> {
    if (this.#isOpen) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#waiting.push((error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  /** Lets those go who wait now. */
  release(error?: Error): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go(error);
  }

  /** Holds nobody up any more. */
  open(): void {
    this.#isOpen = true;
    this.release();
  }
}
