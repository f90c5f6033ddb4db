import type { MillpondError } from "../errors/index.js";
import { fromClientError, isTransient } from "./errors.js";
import type { Link } from "./link.js";
import type { StreamGuard } from "./stream-guard.js";
import type { WatchProgress } from "./watch-progress.js";

/**
 * Between two looks at the stream: anywhere in this range, so that the watches of a fleet do not look together. What a stream
 * drops under a watch that is level shows nowhere else.
 */
const LOOK_EVERY = { minMs: 1_000, maxMs: 3_000 };
/** How often the last message is compared as well; where a line was lost that is done at once. */
const COMPARE_EVERY_MS = 30_000;

export interface LookoutOptions {
  readonly link: Link;
  readonly guard: StreamGuard;
  readonly progress: WatchProgress;
  /** Called after each look that found all well. */
  readonly onLook: () => void;
  /** Called when {@link Lookout.failure} is there. */
  readonly onFailure: () => void;
}

/** Looks at a watch's stream now and then, beside the watch: whether it is still the same, and where it begins. */
export class Lookout {
  readonly #options: LookoutOptions;
  #failure: MillpondError | undefined;
  #lookedAt: number;
  #comparedAt: number;
  #isLooking = false;
  #isOver = false;
  #cancel: (() => void) | undefined;

  constructor(options: LookoutOptions) {
    this.#options = options;
    this.#lookedAt = options.link.clock.now();
    this.#comparedAt = this.#lookedAt;
    this.#schedule();
  }

  /** Why the watch must end. */
  get failure(): MillpondError | undefined {
    return this.#failure;
  }

  /** Something may have gone: looks now, unless it has only just looked. */
  soon(): void {
    const { clock } = this.#options.link;
    if (this.#isLooking || clock.now() - this.#lookedAt < LOOK_EVERY.minMs) return;
    this.#cancel?.();
    void this.#look();
  }

  end(): void {
    this.#isOver = true;
    this.#cancel?.();
  }

  #schedule(): void {
    const { clock, random } = this.#options.link;
    const { minMs, maxMs } = LOOK_EVERY;
    if (this.#isOver) return;
    this.#cancel = clock.schedule(minMs + (maxMs - minMs) * random(), () => void this.#look());
  }

  async #look(): Promise<void> {
    const { link, guard, progress, onLook, onFailure } = this.#options;
    this.#isLooking = true;
    try {
      await guard.look(progress.frontier);
      this.#lookedAt = link.clock.now();
      if (this.#lookedAt - this.#comparedAt >= COMPARE_EVERY_MS) {
        this.#comparedAt = this.#lookedAt;
        await guard.requireSame(progress.known.slice(0, 1), 0);
      }
      if (!this.#isOver) onLook();
    } catch (error) {
      // What passes by itself shows in the watch's consumer as well, which mends it or gives up.
      if (isTransient(error)) return;
      this.#failure = fromClientError(error, "look at the stream");
      this.#isOver = true;
      onFailure();
    } finally {
      this.#isLooking = false;
      this.#schedule();
    }
  }
}
