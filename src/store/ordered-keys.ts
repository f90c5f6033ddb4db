import { compareKeys } from "../rules/key-order.js";

/** Keys added since the last merge are kept apart up to this many, and beyond it up to an eighth of all. */
const RECENT_MIN = 1024;
const RECENT_SHARE = 8;

/**
 * Keys in the order of their UTF-8 bytes. Adding and removing costs next to nothing; a walk sorts only what was added since
 * the last one and merges it in passing.
 */
export class OrderedKeys {
  /** Ascending; may hold keys that were removed since, which `isLive` keeps out of every walk. */
  #settled: string[] = [];
  readonly #recent = new Set<string>();
  #recentSorted: string[] | undefined;
  readonly #isLive: (key: string) => boolean;

  constructor(isLive: (key: string) => boolean) {
    this.#isLive = isLive;
  }

  /** For a key that was not live before. */
  add(key: string): void {
    this.#recent.add(key);
    this.#recentSorted = undefined;
  }

  /** The live keys that start with `prefix`. */
  withPrefix(prefix: string): string[] {
    if (this.#recent.size > Math.max(RECENT_MIN, this.#settled.length / RECENT_SHARE))
      this.#settle();
    this.#recentSorted ??= [...this.#recent].toSorted(compareKeys);
    return this.#merge(prefix);
  }

  #settle(): void {
    this.#recentSorted = [...this.#recent].toSorted(compareKeys);
    this.#settled = this.#merge("");
    this.#recent.clear();
    this.#recentSorted = [];
  }

  /** A key that was removed and added again may be in both lists: it is taken once. */
  #merge(prefix: string): string[] {
    const left = this.#settled;
    const right = this.#recentSorted ?? [];
    const merged: string[] = [];
    let fromLeft = lowerBound(left, prefix);
    let fromRight = lowerBound(right, prefix);
    for (;;) {
      const a = keyAt(left, fromLeft, prefix);
      const b = keyAt(right, fromRight, prefix);
      if (a === undefined && b === undefined) return merged;
      const order = a === undefined ? 1 : b === undefined ? -1 : compareKeys(a, b);
      if (order <= 0) fromLeft += 1;
      if (order >= 0) fromRight += 1;
      const key = (order <= 0 ? a : b) as string;
      if (this.#isLive(key)) merged.push(key);
    }
  }
}

function keyAt(keys: readonly string[], index: number, prefix: string): string | undefined {
  const key = keys[index];
  return key?.startsWith(prefix) === true ? key : undefined;
}

/** Index of the first key that is not before `bound`. */
function lowerBound(keys: readonly string[], bound: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareKeys(keys[middle] as string, bound) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
