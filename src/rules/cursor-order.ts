import type { OpaqueToken, WatchCursor } from "../values/index.js";

/**
 * The later of two positions of one stream. No position is before every other. Tokens of one length compare by their bytes
 * (a u64 big-endian and an FDB versionstamp both order so); of different lengths, which one backend never mixes, the one
 * received last counts. Never to be used across streams: a bucket made again starts with lower sequences.
 */
export function laterCursor(current: WatchCursor, received: WatchCursor): WatchCursor {
  if (received.isNone) return current;
  if (current.length !== received.length) return received;
  const a = current.toBytes();
  const b = received.toBytes();
  for (let index = 0; index < a.length; index += 1) {
    const difference = (b[index] ?? 0) - (a[index] ?? 0);
    if (difference !== 0) return difference > 0 ? received : current;
  }
  return current;
}

/**
 * Whether `version` is known to lie before `position`. Never where either is none, or where they are of different lengths and cannot be
 * compared.
 */
export function isOlder(version: OpaqueToken, position: OpaqueToken): boolean {
  if (version.length === 0 || version.length !== position.length) return false;
  const a = version.toU64();
  const b = position.toU64();
  if (a !== undefined && b !== undefined) return a < b;
  return Buffer.compare(version.toBytes(), position.toBytes()) < 0;
}

/** Whether `current` is at or past `position`. None is past nothing. */
export function hasReached(current: WatchCursor, position: WatchCursor): boolean {
  return (
    !current.isNone && (current.equals(position) || laterCursor(position, current) === current)
  );
}
