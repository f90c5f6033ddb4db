/** Lets one step at a time touch the copy: a flush, or what is put in between two flushes. In the order of the calls. */
export class Lane {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves and rejects as `step` does; a step that fails holds up none after it. */
  run<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#last.then(step);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
