import type { HeldCopy, HeldEntry, Journal } from "./journal.js";
import type { FollowerMessage } from "./orders.js";
import type { Traffic } from "./traffic.js";
import { demand } from "./violation.js";

/** From when something is in the log until a follower shows it. */
const CATCH_UP_MS = 20_000;

/** What came of the followers of a copy, over all their lives. */
export interface FollowerTally {
  looks: number;
  loads: number;
  jumps: number;
  wentBack: number;
  /** The longest from when a position was found on the disk until one of them was there, in milliseconds. */
  catchUpMs: number;
}

/** What it takes to judge. */
export interface JudgeParts {
  readonly traffic: Traffic;
  readonly journal: Journal;
  /** See `Cell`. */
  readonly patience: number;
  /** Whether the disk falls ill: then a log takes back what was not acknowledged, and followers, who saw it, with it. */
  readonly isSick: boolean;
}

/** Judges all that a follower of one copy shows. */
export class FollowerJudge {
  readonly #parts: JudgeParts;
  readonly #mayBeAhead: boolean;
  readonly #tally: FollowerTally;
  readonly #entries = new Map<string, HeldEntry>();
  readonly #owed: { readonly position: number; readonly since: number }[] = [];
  #position: number;
  /** The log never goes back behind it. */
  #acknowledged: number;
  #last: Pick<FollowerMessage, "loads" | "jumps"> = { loads: 0, jumps: 0 };
  #judging: Promise<void> = Promise.resolve();
  #violation: unknown;

  /** `position`: where the log is at least; it shows nothing older. */
  constructor(parts: JudgeParts, tally: FollowerTally, format: 2 | 3, position: number) {
    this.#parts = parts;
    // A batch of format 2 has no frame: what is left of one that could not be taken back counts for the next process, and is in the file that
    // it rewrites, with the position before it.
    this.#mayBeAhead = parts.isSick && format === 2;
    this.#tally = tally;
    this.#position = position;
    this.#acknowledged = position;
  }

  /** As of what has been judged. */
  get copy(): HeldCopy {
    return { position: this.#position, entries: this.#entries };
  }

  get isLevel(): boolean {
    return this.#owed.length === 0;
  }

  /** The log is at `position` by now: it has to come there. */
  owe(position: number): void {
    this.#acknowledged = position;
    if (position > this.#position) this.#owed.push({ position, since: performance.now() });
  }

  /** Throws what was found so far, and where it does not come to what is in the log. */
  check(): void {
    if (this.#violation !== undefined) throw this.#violation;
    const [first] = this.#owed;
    if (first === undefined) return;
    const ms = performance.now() - first.since;
    const where = `it is at ${this.#position}, the log at ${first.position} for ${Math.round(ms)} ms`;
    demand(ms < CATCH_UP_MS * this.#parts.patience, "stuck", `a follower: ${where}`);
  }

  /** What it shows may have come there before the server's answer to its writer. */
  receive(message: FollowerMessage): void {
    const receivedAt = performance.now();
    const written = this.#parts.traffic.settled();
    written.catch(() => undefined);
    this.#judging = this.#judging
      .then(() => written)
      .then(() => this.#judge(message, receivedAt))
      .catch((error: unknown) => {
        this.#violation ??= error;
      });
  }

  #judge(message: FollowerMessage, receivedAt: number): void {
    const { position, changed, gone, wentBack, loads, jumps } = message;
    const isBack = position < this.#position;
    if (isBack) this.#requireMayGoBack(position);
    demand(wentBack === 0 || this.#parts.isSick, "back", "a follower says that the log went back");
    for (const key of gone) this.#entries.delete(key);
    for (const [key, revision, crc] of changed) {
      const before = this.#entries.get(key)?.revision ?? 0;
      demand(
        isBack || revision > before,
        "back",
        `a follower: ${key} at ${revision} after ${before}`,
      );
      this.#entries.set(key, { revision, crc });
    }
    this.#position = position;
    this.#parts.journal.check(this.copy, { exactly: !this.#mayBeAhead });
    this.#count(receivedAt, { loads, jumps });
  }

  #requireMayGoBack(position: number): void {
    const mayBe = this.#parts.isSick && position >= this.#acknowledged;
    demand(mayBe, "back", `a follower: ${position} after ${this.#position}`);
    this.#tally.wentBack += 1;
  }

  #count(receivedAt: number, { loads, jumps }: Pick<FollowerMessage, "loads" | "jumps">): void {
    const tally = this.#tally;
    tally.looks += 1;
    tally.loads += loads - this.#last.loads;
    tally.jumps += jumps - this.#last.jumps;
    this.#last = { loads, jumps };
    for (let [first] = this.#owed; first !== undefined; [first] = this.#owed) {
      if (first.position > this.#position) return;
      tally.catchUpMs = Math.max(tally.catchUpMs, receivedAt - first.since);
      this.#owed.shift();
    }
  }
}
