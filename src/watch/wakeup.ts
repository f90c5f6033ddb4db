/**
 * Lets waiters sleep until something may have changed. A wake-up while nobody waits is kept for the next wait, so that
 * none is lost between looking and waiting; every waiter is woken, and looks again each time.
 */
export class Wakeup {
  #isPending = false;
  #waiting: (() => void)[] = [];

  wake(): void {
    const waiting = this.#waiting;
    this.#isPending = waiting.length === 0;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  wait(): Promise<void> {
    if (this.#isPending) {
      this.#isPending = false;
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
