import { compareKeys } from "../rules/key-order.js";
import { WatchCursor, type KvEntry } from "../values/index.js";
import { HEADER_BYTES } from "./v2/format.js";
import { cursorOf, valueOf, versionOf, type RecordFrame } from "./v2/record-frame.js";
import type { RecordVisitor, ScanResult } from "./scan-log.js";
import { sortInSlices } from "./sort-in-slices.js";

/** What a log adds up to: the last write of each key wins, removals remove, the last cursor stands. */
export class LogFold implements RecordVisitor {
  readonly entries = new Map<string, KvEntry>();
  #cursor = WatchCursor.none;
  #superseded = false;

  put(key: string, bytes: Buffer, frame: RecordFrame): void {
    this.#superseded ||= this.entries.has(key);
    this.entries.set(key, { key, value: valueOf(bytes, frame), version: versionOf(bytes, frame) });
  }

  remove(key: string): void {
    this.#superseded = true;
    this.entries.delete(key);
  }

  cursor(bytes: Buffer, frame: RecordFrame): void {
    this.#superseded ||= !this.#cursor.isNone;
    this.#cursor = cursorOf(bytes, frame);
  }

  get lastCursor(): WatchCursor {
    return this.#cursor;
  }

  get isNone(): boolean {
    return this.entries.size === 0 && this.#cursor.isNone;
  }

  /** Whether a rewrite would leave something out: a key twice, a removal, a second cursor, a torn tail. */
  isCompact(scan: ScanResult): boolean {
    if (scan.tornBytes > 0) return false;
    return this.isNone ? scan.goodBytes === HEADER_BYTES : !this.#superseded;
  }

  /** The live entries, ascending by the UTF-8 bytes of the key. */
  async sortedEntries(): Promise<KvEntry[]> {
    return await sortInSlices([...this.entries.values()], (a, b) => compareKeys(a.key, b.key));
  }
}
