import { nextTurn } from "../platform/index.js";

/** Sorted or merged between two turns of the event loop: some ten milliseconds. */
const SLICE = 16_384;

/** As `toSorted`, but a long array does not hold the event loop for long. */
export async function sortInSlices<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
): Promise<T[]> {
  let runs: T[][] = [];
  for (let from = 0; from < items.length; from += SLICE) {
    runs.push(items.slice(from, from + SLICE).toSorted(compare));
    await nextTurn();
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let index = 0; index < runs.length; index += 2) {
      const left = runs[index] ?? [];
      const right = runs[index + 1];
      merged.push(right === undefined ? left : await mergeInSlices(left, right, compare));
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function mergeInSlices<T>(
  left: readonly T[],
  right: readonly T[],
  compare: (a: T, b: T) => number,
): Promise<T[]> {
  const merged: T[] = [];
  let fromLeft = 0;
  let fromRight = 0;
  while (fromLeft < left.length && fromRight < right.length) {
    const a = left[fromLeft] as T;
    const b = right[fromRight] as T;
    if (compare(a, b) <= 0) {
      merged.push(a);
      fromLeft += 1;
    } else {
      merged.push(b);
      fromRight += 1;
    }
    if (merged.length % SLICE === 0) await nextTurn();
  }
  for (; fromLeft < left.length; fromLeft += 1) merged.push(left[fromLeft] as T);
  for (; fromRight < right.length; fromRight += 1) merged.push(right[fromRight] as T);
  return merged;
}
