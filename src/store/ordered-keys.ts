import { setImmediate as nextTurn } from "node:timers/promises";
import { sortInSlices } from "../log/index.js";
import { compareKeys } from "../rules/key-order.js";

/** More keys than this, and than a quarter of those settled, added since the last settling make walks slow. */
const RECENT_MIN = 4096;
const RECENT_SHARE = 4;
/** Keys merged between two turns of the event loop. */
const SETTLE_SLICE = 16_384;

/**
 * Keys in the order of their UTF-8 bytes. Adding and removing costs next to nothing; a walk sorts what was added since the
 * last settling, once, and merges it in passing.
 */
export class OrderedKeys {
  /** Ascending; may hold keys that were removed since, which `isLive` keeps out of every walk. */
  #settled: readonly string[] = [];
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
    this.#recentSorted ??= [...this.#recent].toSorted(compareKeys);
    const keys: string[] = [];
    for (const key of mergedFrom(this.#settled, this.#recentSorted, prefix)) {
      if (this.#isLive(key)) keys.push(key);
    }
    return keys;
  }

  get needsSettling(): boolean {
    return this.#recent.size > Math.max(RECENT_MIN, this.#settled.length / RECENT_SHARE);
  }

  /** Sorts what was added for good, giving way to other work. Nothing may be added or removed meanwhile. */
  async settle(): Promise<void> {
    const recent = await sortInSlices([...this.#recent], compareKeys);
    const settled: string[] = [];
    let seen = 0;
    for (const key of mergedFrom(this.#settled, recent, "")) {
      if (this.#isLive(key)) settled.push(key);
      seen += 1;
      if (seen % SETTLE_SLICE === 0) await nextTurn();
    }
    this.#settled = settled;
    this.#recent.clear();
    this.#recentSorted = undefined;
  }

  /** The live keys one by one; nothing may have been added since they were settled. */
  *settled(): Generator<string> {
    for (const key of this.#settled) if (this.#isLive(key)) yield key;
  }
}

/** Two ascending lists as one, from `prefix` on for as long as it lasts. A key that is in both comes once. */
function* mergedFrom(
  left: readonly string[],
  right: readonly string[],
  prefix: string,
): Generator<string> {
  let fromLeft = lowerBound(left, prefix);
  let fromRight = lowerBound(right, prefix);
  for (;;) {
    const a = keyAt(left, fromLeft, prefix);
    const b = keyAt(right, fromRight, prefix);
    if (a === undefined && b === undefined) return;
    const order = a === undefined ? 1 : b === undefined ? -1 : compareKeys(a, b);
    if (order <= 0) fromLeft += 1;
    if (order >= 0) fromRight += 1;
    yield (order <= 0 ? a : b) as string;
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
