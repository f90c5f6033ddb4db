import { type Clock, momentOf } from "../platform/index.js";
import type { WatchEvent } from "./events.js";

/** How the flow stands, for those that work beside it. */
export class FlowState {
  readonly #clock: Clock;
  readonly #waiting = new Set<() => void>();
  #isCaughtUp = false;
  #isOver = false;
  /** Those who hold it off. */
  #holds = 0;
  #watches = 0;
  #repairs = 0;
  #levelAt: (() => number) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether the present watch has delivered all there was when it began, and nobody holds it off. */
  get isCaughtUp(): boolean {
    return this.#isCaughtUp && this.#holds === 0;
  }

  /** Whether no watch follows any more, nor will. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Watches begun. */
  get watches(): number {
    return this.#watches;
  }

  /** Those of them that began with the full state. */
  get repairs(): number {
    return this.#repairs;
  }

  /** When the copy was last level with the bucket, by our clock as it is set now ({@link momentOf}). */
  get levelAt(): number | undefined {
    return this.#levelAt?.();
  }

  heard(event: WatchEvent): void {
    if (event.type === "watching") {
      this.#isCaughtUp = false;
      this.#watches += 1;
      if (event.from.isNone) this.#repairs += 1;
    } else if (event.type === "progress") {
      this.#isCaughtUp = event.caughtUp;
      if (event.caughtUp && event.pending === 0) {
        this.#levelAt = momentOf(this.#clock, event.takenAt);
      }
    } else if (event.type === "retrying") {
      this.#isCaughtUp = false;
    } else {
      return;
    }
    this.#wake();
  }

  /** Something that a test may depend on has changed elsewhere. */
  changed(): void {
    this.#wake();
  }

  /** From now on it is not caught up; until what is returned is called. */
  hold(): () => void {
    this.#holds += 1;
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holds -= 1;
      this.#wake();
    };
  }

  end(): void {
    this.#isOver = true;
    this.#isCaughtUp = false;
    this.#wake();
  }

  /**
   * Resolves with true once `test` holds, which is looked at whenever something has happened, or with false after `limitMs` or at the
   * end. An abort throws the signal's reason.
   */
  async until(test: () => boolean, signal: AbortSignal, limitMs?: number): Promise<boolean> {
    let isLate = false;
    const cancel =
      limitMs === undefined
        ? undefined
        : this.#clock.schedule(limitMs, () => {
            isLate = true;
            this.#wake();
          });
    const onAbort = (): void => this.#wake();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      for (;;) {
        signal.throwIfAborted();
        if (test()) return true;
        if (isLate || this.#isOver) return false;
        await new Promise<void>((resolve) => {
          this.#waiting.add(resolve);
        });
      }
    } finally {
      cancel?.();
      signal.removeEventListener("abort", onAbort);
    }
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const wake of waiting) wake();
  }
}
