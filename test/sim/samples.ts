import type { Random } from "../../src/platform/index.js";

const PREFIXES = ["a.", "b.1", "b.2", "c"] as const;

/** Keys of several prefixes, one after the other. */
export function keyOf(index: number): string {
  return `${PREFIXES[index % PREFIXES.length]}${Math.floor(index / PREFIXES.length)}`;
}

/** No two are the same. */
export function valueOf(serial: number, bytes: number): Uint8Array {
  const head = Buffer.from(`${serial}|`);
  const value = new Uint8Array(head.length + bytes);
  value.set(head);
  for (let at = head.length; at < value.length; at += 1) value[at] = (serial * 31 + at * 7) & 0xff;
  return value;
}

/** How long something takes, by chance. */
export function delay(
  { mostMs, chance }: { readonly mostMs: number; readonly chance: number },
  random: Random,
  isCalm: boolean,
): number {
  if (mostMs === 0 || isCalm || random() >= chance) return 0;
  return Math.floor(random() * mostMs);
}
