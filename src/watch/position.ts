import { laterCursor } from "../rules/index.js";
import { type KvUpdate, type OpaqueToken, WatchCursor } from "../values/index.js";

const NS_PER_MS = 1_000_000n;

/** How far something reaches, and when the source stored what is there: in ns since 1970, `0n` not known. */
export interface Position {
  readonly cursor: WatchCursor;
  readonly timeNs: bigint;
}

export const nowhere: Position = { cursor: WatchCursor.none, timeNs: 0n };

/** What of a batch moves a position. */
interface Moving {
  readonly raw: readonly KvUpdate[];
  readonly bookmark: Position;
}

/** The highest of where we were, the versions received (also of what `parse` turned down) and the source's bookmark. */
export function positionAfter(before: Position, { raw, bookmark }: Moving): Position {
  let reached = before;
  const newest = newestOf(before.cursor, raw);
  if (newest !== undefined) {
    reached = { cursor: WatchCursor.fromVersion(newest.version), timeNs: timeOf(newest) };
  }
  const { cursor } = reached;
  if (bookmark.cursor.isNone) return reached;
  if (bookmark.cursor.equals(cursor)) return bookmark.timeNs === 0n ? reached : bookmark;
  return laterCursor(cursor, bookmark.cursor) === cursor ? reached : bookmark;
}

/** The one with the highest version, where that lies after `cursor`. */
function newestOf(cursor: WatchCursor, raw: readonly KvUpdate[]): KvUpdate | undefined {
  let latest: OpaqueToken = cursor;
  let newest: KvUpdate | undefined;
  for (const update of raw) {
    const later = laterCursor<OpaqueToken>(latest, update.version);
    if (later === latest) continue;
    latest = later;
    newest = update;
  }
  return newest;
}

function timeOf({ timeMs }: KvUpdate): bigint {
  return timeMs === undefined ? 0n : BigInt(Math.floor(timeMs)) * NS_PER_MS;
}
