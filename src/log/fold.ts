import { compareKeys } from "../rules/key-order.js";
import { WatchCursor, type KvEntry, type KvUpdate, type LogPosition } from "../values/index.js";
import { codecOf } from "./codecs.js";
import type { ScanResult } from "./scan-log.js";
import { sortInSlices } from "./sort-in-slices.js";
import type { LogVisitor } from "./visitor.js";

export const NO_POSITION: LogPosition = {
  cursor: WatchCursor.none,
  cursorTimeNs: 0n,
  origin: undefined,
};

/** What a log adds up to: the last write of each key wins, removals remove, the last cursor stands. */
export class LogFold implements LogVisitor {
  readonly entries = new Map<string, KvEntry>();
  #position: LogPosition = NO_POSITION;
  #superseded = false;

  update(update: KvUpdate): void {
    if (update.kind === "put") {
      const { kind: _, ...entry } = update;
      this.#superseded ||= this.entries.has(entry.key);
      this.entries.set(entry.key, entry);
    } else {
      this.#superseded = true;
      this.entries.delete(update.key);
    }
  }

  position(position: LogPosition): void {
    this.#superseded ||= !this.#position.cursor.isNone;
    this.#position = position;
  }

  get lastPosition(): LogPosition {
    return this.#position;
  }

  get lastCursor(): WatchCursor {
    return this.#position.cursor;
  }

  get isNone(): boolean {
    return this.entries.size === 0 && this.lastCursor.isNone;
  }

  /** Whether a rewrite would leave something out: a key twice, a removal, a second cursor, a torn tail. */
  isCompact(scan: ScanResult): boolean {
    const { format, goodBytes, tornBytes } = scan;
    if (tornBytes > 0 || format === undefined) return false;
    // What a rewrite would leave: an origin holds for positions to come.
    const isBlank = this.isNone && this.#position.origin === undefined;
    return isBlank ? goodBytes === codecOf(format).headerBytes : !this.#superseded;
  }

  /** The live entries, ascending by the UTF-8 bytes of the key. */
  async sortedEntries(): Promise<KvEntry[]> {
    return await sortInSlices([...this.entries.values()], (a, b) => compareKeys(a.key, b.key));
  }
}
