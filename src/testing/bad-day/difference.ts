import { inspect, isDeepStrictEqual } from "node:util";
import { invalid } from "../simulation/checks.js";
import type { StateDifference, StateEntry } from "./options.js";

/**
 * How the state differs from what it should be, ascending by key. Where a key comes twice the last one counts. Throws `invalid-argument` where
 * either is none.
 */
export function differencesOf(
  expected: Iterable<StateEntry>,
  actual: Iterable<StateEntry>,
): StateDifference[] {
  const wanted = mapOf("expected()", expected);
  const had = mapOf("state()", actual);
  const keys = [...new Set([...wanted.keys(), ...had.keys()])].toSorted();
  return keys
    .filter((key) => !isSame(wanted, had, key))
    .map((key) => ({ key, expected: wanted.get(key), actual: had.get(key) }));
}

function mapOf(whose: string, entries: Iterable<StateEntry>): Map<string, unknown> {
  const map = new Map<string, unknown>();
  if (
    typeof (entries as Partial<typeof entries> | null | undefined)?.[Symbol.iterator] !== "function"
  ) {
    throw invalid(
      `${whose} gave ${shown(entries)}, and has to give entries: a Map, or pairs of key and value`,
    );
  }
  for (const entry of entries) {
    if (typeof entry !== "object" || entry === null) {
      throw invalid(
        `${whose} gave ${shown(entry)} for an entry, and an entry is a pair, or has key and value`,
      );
    }
    if ("key" in entry) map.set(entry.key, plain(entry.value));
    else map.set(entry[0], plain(entry[1]));
  }
  return map;
}

function shown(value: unknown): string {
  return inspect(value, { depth: 0, maxStringLength: 40, breakLength: Infinity });
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
