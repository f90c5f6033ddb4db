import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { FileSystem } from "../platform/index.js";
import { type AgeLimits, hasReached } from "../rules/index.js";
import { WatchCursor } from "../values/index.js";
import { objectOf, readSmallFile, removeSmallFile, replaceSmallFile } from "./small-file.js";

/** What a replica last saw of its bucket, for a start that cannot reach it. Nothing of it is needed: losing it costs a look. */
export interface Seen {
  /** Of what the position belongs to. */
  readonly origin: string;
  /** At this position the copy was level with the bucket at `levelAt`, ms since 1970 by this machine's clock; none: it never was. */
  readonly cursor: WatchCursor;
  readonly levelAt: number | undefined;
  /** By how much the bucket's clock is ahead of this machine's. */
  readonly offsetMs: number;
  readonly limits: AgeLimits;
}

const NAME = "seen.json";
const FORMAT = 1;
/** Room for an origin of thousands of prefixes. A larger file is not ours. */
const MAX_BYTES = 1024 * 1024;

/** `seen.json` beside the log. */
export class SeenFile {
  readonly #fs: FileSystem;
  readonly #path: string;

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs;
    this.#path = join(directory, NAME);
  }

  /** `undefined` where there is none, or none that can be read or understood: it spares a look at the bucket, and no more. */
  async read(): Promise<Seen | undefined> {
    const text = await readSmallFile(this.#fs, this.#path, MAX_BYTES).catch(() => undefined);
    return text === undefined ? undefined : seenOf(text);
  }

  /** For good, also over a power loss. Throws `io`. */
  async remove(): Promise<void> {
    await removeSmallFile(this.#fs, this.#path);
  }

  /** Throws `io`. */
  write(seen: Seen): Promise<void> {
    return replaceSmallFile(this.#fs, this.#path, `${textOfSeen(seen)}\n`, { synced: false });
  }
}

/**
 * Since when a copy that was loaded from the disk is known to be no older than its bucket: `undefined` where nothing says so.
 * A copy at or past the position has all that it had when it was level there; one before it has lost some of that since.
 */
export function levelAtOf(
  seen: Seen | undefined,
  origin: string | undefined,
  cursor: WatchCursor,
): number | undefined {
  if (seen === undefined || seen.origin !== origin || seen.cursor.isNone) return undefined;
  return hasReached(cursor, seen.cursor) ? seen.levelAt : undefined;
}

export function textOfSeen({ origin, cursor, levelAt, offsetMs, limits }: Seen): string {
  const { maxAgeMs, allowsTtl } = limits;
  return sealed({
    format: FORMAT,
    origin,
    cursor: cursor.toHex(),
    levelAt,
    offsetMs,
    limits: { maxAgeMs, allowsTtl },
  });
}

/**
 * These fields and their checksum. Without it a digit that went bad on the disk could prove a copy current. Who wrote before there was
 * one proves nothing, which costs a look at the bucket.
 */
export function sealed(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ ...fields, check: checkOf(fields) });
}

function checkOf(fields: Readonly<Record<string, unknown>>): number {
  return crc32(JSON.stringify(fields));
}

/** `undefined` for a text that this does not understand, that is not as it was written, or whose figures make no sense. */
export function seenOf(text: string): Seen | undefined {
  const { check, ...fields } = objectOf(text) ?? {};
  if (check !== checkOf(fields)) return undefined;
  const { format, origin, cursor, levelAt, offsetMs, limits } = fields;
  if (format !== FORMAT || typeof origin !== "string" || typeof cursor !== "string") {
    return undefined;
  }
  if (!isOptionalNumber(levelAt) || !isNumber(offsetMs)) return undefined;
  if (typeof limits !== "object" || limits === null) return undefined;
  const { maxAgeMs, allowsTtl } = limits as Record<string, unknown>;
  if (!isOptionalNumber(maxAgeMs) || typeof allowsTtl !== "boolean") return undefined;
  try {
    const position = WatchCursor.fromHex(cursor);
    return { origin, cursor: position, levelAt, offsetMs, limits: { maxAgeMs, allowsTtl } };
  } catch {
    return undefined;
  }
}

function isOptionalNumber(value: unknown): value is number | undefined {
  return value === undefined || (isNumber(value) && value >= 0);
}

/** JSON has numbers that become infinite. */
function isNumber(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
