import type { KvRecordHead } from "../kv/index.js";
import type { VersionToken, WatchCursor } from "../values/index.js";
import { isOlder } from "./cursor-order.js";
import { type RecordMark, sameMark } from "./same-record.js";

/** How the copy stands to the bucket in one key. */
export type KeyVerdict = "same" | "missing" | "stale" | "extra";

/**
 * Holds one key of the copy against the bucket's last record of it; `undefined`: none there. Another version is `stale`
 * whichever is higher: of a stream that was rolled back the copy has the higher one.
 */
export function judgeKey(
  held: RecordMark | undefined,
  record: Pick<KvRecordHead, "kind" | "version" | "timeMs"> | undefined,
): KeyVerdict {
  const isLive = record?.kind === "put";
  if (held === undefined) return isLive ? "missing" : "same";
  if (!isLive) return "extra";
  return sameMark(held, record) ? "same" : "stale";
}

/**
 * Whether a record that was fetched may be applied beside the flow: the flow has passed it and will not bring it. One that is still
 * to come is left to the flow, or the key would go forward, back and forward again.
 */
export function isBehindFlow(version: VersionToken, position: WatchCursor): boolean {
  return !version.isUnknown && !isOlder(position, version);
}
