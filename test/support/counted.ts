import { createHash } from "node:crypto";
import type { KvEntry } from "../../src/values/index.js";
import { told } from "./updates.js";

/** Every batch of the counting writer sets all of these to the same number, which is its cursor. */
export const groupKeys: readonly string[] = Array.from({ length: 8 }, (_, key) => `group.${key}`);

/** Of all keys, values and versions, in order. */
export function digestOf(entries: Iterable<KvEntry>): string {
  return createHash("sha256").update(told(entries).join("\n")).digest("hex");
}
