import type { LogVisitor } from "../../src/log/visitor.js";
import { WatchCursor, type KvUpdate } from "../../src/values/index.js";
import { del, purge, put } from "./updates.js";
import { positionAt, SALT, V3Log } from "./v3-logs.js";

/** Writes down what it is handed. */
export class Notes implements LogVisitor {
  readonly lines: string[] = [];

  update(update: KvUpdate): void {
    const value = update.kind === "put" ? `=${Buffer.from(update.value).toString("latin1")}` : "";
    const times = `${update.timeMs ?? ""}/${update.ttlMs ?? ""}`;
    this.lines.push(`${update.kind} ${update.key}${value} ${update.version.toHex()} ${times}`);
  }

  position({ cursor, cursorTimeNs, origin }: Parameters<LogVisitor["position"]>[0]): void {
    this.lines.push(`at ${cursor.toU64() ?? "none"} ${cursorTimeNs} ${origin ?? "-"}`);
  }
}

/** A log with one of each kind of record, of position and of frame. */
export function sample(): V3Log {
  return new V3Log()
    .lineage({ oldSalt: SALT, oldOffset: 24, newOffset: 64 })
    .batch([{ ...put("a", "1", 1), timeMs: 1_700_000_000_000, ttlMs: 5 }, put("b", "2", 2)])
    .batch([del("a", 3)], positionAt(3, "here"))
    .batch([purge("b", 4)], positionAt(4))
    .batch([], { cursor: WatchCursor.none, cursorTimeNs: 0n, origin: undefined });
}
