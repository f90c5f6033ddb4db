import { stat } from "node:fs/promises";
import { MillpondError } from "../errors/index.js";
import { openFollower, type Follower } from "../replica/index.js";
import { noCopy } from "./copy-origin.js";
import type { KvEntry, OpaqueToken } from "../values/index.js";

/**
 * The copy that a mirror keeps, or kept, in `directory`, to be read once. Throws where there is none. Takes no lock and never
 * writes: the mirror may be at work. The caller closes it.
 */
export async function openCopy(directory: string): Promise<Follower> {
  const found = await stat(directory).catch(() => undefined);
  if (!found?.isDirectory()) {
    throw new MillpondError("io", `${directory} is ${found ? "not a directory" : "not there"}`, {
      hint: "Give the directory that `millpond mirror BUCKET --to DIR` keeps.",
    });
  }
  const copy = await openFollower({ path: directory });
  const { problem, state } = copy.status();
  if (problem === undefined && state !== "waiting") return copy;
  await copy.close();
  throw problem ?? noCopy(directory);
}

/** Entries sorted by the UTF-8 bytes of their keys, which is not the order of JavaScript strings. */
export function sortedByKey(entries: Iterable<KvEntry>): KvEntry[] {
  return Array.from(entries, (entry) => ({ entry, bytes: Buffer.from(entry.key) }))
    .toSorted((left, right) => left.bytes.compare(right.bytes))
    .map(({ entry }) => entry);
}

/** A version or cursor as JSON shows it: a number, digits where a number would not be exact, hex where it is no u64. */
export function revisionOf(token: OpaqueToken): number | string | null {
  const revision = token.toU64();
  if (revision === undefined) return token.length === 0 ? null : token.toHex();
  return revision <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(revision) : String(revision);
}
