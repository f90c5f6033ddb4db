import type { FollowedCopy } from "../log/index.js";
import type { KvEntry, WatchCursor } from "../values/index.js";
import { ArenaLoader } from "./arena-loader.js";

/** What a followed log adds up to, in memory, and up to where. */
export class LogCopy extends ArenaLoader implements FollowedCopy {
  /** None before the log's first position, or once it was withdrawn. */
  get cursor(): WatchCursor {
    return this.reached.cursor;
  }

  /** Walks that are not at their end yet: the memory must stay as it is for them. */
  openRanges = 0;

  /** As the arena's; whoever does not walk it to its end keeps the memory from being used again. */
  range(prefix: string): Iterable<KvEntry> {
    this.openRanges += 1;
    return this.#counted(this.entries.range(prefix));
  }

  *#counted(entries: Iterable<KvEntry>): Iterable<KvEntry> {
    try {
      yield* entries;
    } finally {
      this.openRanges -= 1;
    }
  }

  /** 0 where it is not known. */
  get cursorTimeNs(): bigint {
    return this.reached.cursorTimeNs;
  }
}
