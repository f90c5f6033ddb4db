import type { Random } from "../../src/platform/index.js";
import { VersionToken, type KvUpdate } from "../../src/values/index.js";
import { integerBelow } from "./seed.js";

const STARTS = ["a.", "b.c.", "", "ü", "\u{1F400}.", "\uE000", "\uFFFD", "common.start.of.many."];

/** Keys of all lengths, many of them near each other, and the same ones again and again. */
export function randomKey(random: Random, keys: number): string {
  const start = STARTS[integerBelow(random, STARTS.length)] as string;
  const number = integerBelow(random, keys);
  if (number === 0) return start;
  if (number === 1) return `${start}${"k".repeat(65_535 - Buffer.byteLength(start))}`;
  return `${start}${number}${"x".repeat(number % 19)}`;
}

export function randomValue(random: Random): Uint8Array {
  const kind = integerBelow(random, 200);
  const bytes =
    kind === 0 ? 1 << 20 : kind < 20 ? 0 : kind < 60 ? 200 : integerBelow(random, 10 * kind);
  return new Uint8Array(bytes).fill(integerBelow(random, 256));
}

/** Puts twice as often as removals. */
export function randomUpdate(random: Random, keys: number): KvUpdate {
  const key = randomKey(random, keys);
  const version = VersionToken.fromBytes(
    new Uint8Array(integerBelow(random, 11)).fill(integerBelow(random, 256)),
  );
  const times = {
    ...(integerBelow(random, 3) === 0 ? { timeMs: integerBelow(random, 2 ** 45) } : {}),
    ...(integerBelow(random, 5) === 0 ? { ttlMs: integerBelow(random, 2 ** 35) } : {}),
  };
  if (integerBelow(random, 3) < 2) {
    return { kind: "put", key, value: randomValue(random), version, ...times };
  }
  return { kind: integerBelow(random, 2) === 0 ? "delete" : "purge", key, version, ...times };
}
