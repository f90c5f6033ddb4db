import type { OpaqueToken, WatchCursor } from "../values/index.js";

/**
 * The later of two positions of one stream. No position is before every other. Tokens of one length compare by their bytes
 * (a u64 big-endian and an FDB versionstamp both order so); of different lengths, which one backend never mixes, the one
 * received last counts. Never to be used across streams: a bucket made again starts with lower sequences.
 */
export function laterCursor<Token extends OpaqueToken>(current: Token, received: Token): Token {
  if (received.length === 0) return current;
  if (current.length !== received.length) return received;
  return current.isBelow(received) ? received : current;
}

/**
 * Whether `version` is known to lie before `position`. Never where either is none, or where they are of different lengths and cannot be
 * compared.
 */
export function isOlder(version: OpaqueToken, position: OpaqueToken): boolean {
  return version.length === position.length && version.isBelow(position);
}

/** Whether `current` is at or past `position`. None is past nothing. */
export function hasReached(current: WatchCursor, position: WatchCursor): boolean {
  return (
    !current.isNone && (current.equals(position) || laterCursor(position, current) === current)
  );
}
