import { compareKeys } from "../rules/key-order.js";
import type { KvUpdate } from "../values/index.js";

/**
 * How far a log is what a compaction writes, whoever wrote it: puts only, each key greater than the one before, and a
 * position at their end. So far nothing in it was superseded when it was written.
 */
export class DumpExtent {
  #end: number | undefined;
  #lastKey: string | undefined;
  #isOver = false;

  /** Where in the file that ends; undefined where the first frame already is something else. */
  get end(): number | undefined {
    return this.#end;
  }

  /** The next good frame with changes or a position (in format 2: record), and where it ends in the file. */
  take(updates: readonly KvUpdate[], hasPosition: boolean, end: number): void {
    if (this.#isOver) return;
    const goesOn = updates.every((update) => this.#goesOn(update));
    if (goesOn) this.#end = end;
    this.#isOver = hasPosition || !goesOn;
  }

  #goesOn({ kind, key }: KvUpdate): boolean {
    const last = this.#lastKey;
    this.#lastKey = key;
    return kind === "put" && (last === undefined || compareKeys(last, key) < 0);
  }
}
