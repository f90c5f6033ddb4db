import { isDeepStrictEqual } from "node:util";
import type { StateDifference, StateEntry } from "./options.js";

/** How the state differs from what it should be, ascending by key. Where a key comes twice the last one counts. */
export function differencesOf(
  expected: Iterable<StateEntry>,
  actual: Iterable<StateEntry>,
): StateDifference[] {
  const wanted = mapOf(expected);
  const had = mapOf(actual);
  const keys = [...new Set([...wanted.keys(), ...had.keys()])].toSorted();
  return keys
    .filter((key) => !isSame(wanted, had, key))
    .map((key) => ({ key, expected: wanted.get(key), actual: had.get(key) }));
}

function mapOf(entries: Iterable<StateEntry>): Map<string, unknown> {
  const map = new Map<string, unknown>();
  for (const entry of entries) {
    if ("key" in entry) map.set(entry.key, plain(entry.value));
    else map.set(entry[0], plain(entry[1]));
  }
  return map;
}

/** Bytes as the text that they are, where they are one. */
function plain(value: unknown): unknown {
  if (!(value instanceof Uint8Array)) return value;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const text = bytes.toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? text : `bytes ${bytes.toString("hex")}`;
}

function isSame(
  one: ReadonlyMap<string, unknown>,
  other: ReadonlyMap<string, unknown>,
  key: string,
): boolean {
  return one.has(key) === other.has(key) && isDeepStrictEqual(one.get(key), other.get(key));
}
