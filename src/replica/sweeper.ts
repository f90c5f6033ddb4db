import { type Clock, nextTurn } from "../platform/index.js";
import type { Dated } from "../rules/index.js";
import type { KvEntry, KvUpdate } from "../values/index.js";
import type { RunningWatch, SeenEntry } from "../watch/index.js";
import type { Expiry } from "./expiry.js";
import type { ReadableCopy } from "./local-reads.js";

/** Entries looked at between two turns of the event loop: a millisecond or two. */
const ENTRIES_PER_TURN = 1024;
/** So that other work has its turn between two of them. */
const REMOVALS_PER_BATCH = 1000;
/** Of one pass; the next follows at once. */
const MAX_DUE = 50_000;
const PAUSE_MIN_MS = 1000;
/** A pass over the whole copy takes a twentieth of the time at most. */
const PAUSE_PER_PASS = 19;
/** The longest that timers take is 24 days. */
const PAUSE_MAX_MS = 3_600_000;

export interface SweeperOptions {
  readonly copy: Pick<ReadableCopy, "range">;
  readonly expiry: Expiry;
  readonly clock: Clock;
  readonly remove: RunningWatch["remove"];
  /**
   * Looks whether what time it is in the bucket is known, where the bucket can be asked: by a clock that was set everything may seem to
   * be over. `false`, or a throw: nothing is removed in this pass.
   */
  readonly confirmTime: () => Promise<boolean>;
}

interface DueEntry extends SeenEntry {
  readonly dated: Dated;
}

/**
 * Removes what is over from the copy, a while after reads have ceased to show it. It goes over the whole copy when the first of
 * the entries that it knows of is over, in slices: an index by time would cost more memory than it saves.
 */
export class Sweeper {
  readonly #options: SweeperOptions;
  /** The soonest of the entries, by the bucket's clock. Sooner than any where the copy has not been looked through. */
  #soonest = -Infinity;
  /** No pass before then, by our clock. */
  #notBefore = -Infinity;
  #cancel: (() => void) | undefined;
  #pass: Promise<void> | undefined;
  #hasEnded = false;
  /** Resolves at the end: no answer is waited for any longer. */
  readonly #ended: Promise<false>;
  #resolveEnded: ((ended: false) => void) | undefined;

  constructor(options: SweeperOptions) {
    this.#options = options;
    this.#ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  /** Other limits, or another time: everything has to be looked at. */
  begin(): void {
    this.#soonest = -Infinity;
    this.#schedule();
  }

  /** New entries. */
  noticed(updates: readonly KvUpdate[]): void {
    const { expiry } = this.#options;
    if (!expiry.isArmed) return;
    const before = this.#soonest;
    for (const update of updates) {
      if (update.kind === "put") this.#soonest = Math.min(this.#soonest, expiry.expiresAt(update));
    }
    if (this.#soonest < before) this.#schedule();
  }

  async end(): Promise<void> {
    this.#hasEnded = true;
    this.#resolveEnded?.(false);
    this.#cancel?.();
    await this.#pass;
  }

  #schedule(): void {
    const { expiry, clock } = this.#options;
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#hasEnded || this.#pass !== undefined || !expiry.isArmed) return;
    if (this.#soonest === Infinity) return;
    const dueMs = this.#soonest - expiry.now();
    const pauseMs = Math.max(dueMs, this.#notBefore - clock.now(), 0);
    this.#cancel = clock.schedule(Math.min(pauseMs, PAUSE_MAX_MS), () => {
      this.#cancel = undefined;
      if (this.#soonest > expiry.now()) this.#schedule();
      else this.#pass = this.#run();
    });
  }

  async #run(): Promise<void> {
    const { clock, remove } = this.#options;
    const began = clock.now();
    let isWhole = false;
    this.#notBefore = began + PAUSE_MIN_MS;
    try {
      const { due: found, whole } = await this.#look();
      const lookedAt = clock.now();
      this.#notBefore = lookedAt + Math.max(PAUSE_MIN_MS, PAUSE_PER_PASS * (lookedAt - began));
      const due = await this.#confirmed(found);
      for (let start = 0; start < due.length && !this.#hasEnded; start += REMOVALS_PER_BATCH) {
        await remove(due.slice(start, start + REMOVALS_PER_BATCH), "expired");
      }
      isWhole = whole && due.length === found.length;
    } catch {
      // Whoever reads sees none of it anyway: the next pass finds it again.
    }
    if (!isWhole) this.#soonest = -Infinity;
    this.#pass = undefined;
    this.#schedule();
  }

  /** Those that are still over once the bucket has said what time it is. */
  async #confirmed(found: readonly DueEntry[]): Promise<readonly SeenEntry[]> {
    const { expiry, confirmTime } = this.#options;
    if (found.length === 0) return [];
    if (!(await Promise.race([confirmTime(), this.#ended]))) return [];
    const due = found.filter(({ dated }) => expiry.isOver(dated));
    return due.map(({ key, version }) => ({ key, version }));
  }

  /** What is over, and the soonest of the rest. */
  async #look(): Promise<{ readonly due: DueEntry[]; readonly whole: boolean }> {
    const { copy, expiry } = this.#options;
    const now = expiry.now();
    const due: DueEntry[] = [];
    // What comes from here on is noticed beside the pass.
    this.#soonest = Infinity;
    let looked = 0;
    for (const entry of copy.range("")) {
      const at = expiry.expiresAt(entry);
      if (at > now) this.#soonest = Math.min(this.#soonest, at);
      else due.push(dueOf(entry));
      looked += 1;
      if (due.length === MAX_DUE || this.#hasEnded) return { due, whole: false };
      if (looked % ENTRIES_PER_TURN === 0) await nextTurn();
    }
    return { due, whole: true };
  }
}

/** Without its value, which would keep the memory of thousands. */
function dueOf({ key, version, timeMs, ttlMs }: KvEntry): DueEntry {
  const dated = {
    ...(timeMs === undefined ? {} : { timeMs }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
  };
  return { key, version, dated };
}
