import type { FollowedCopy } from "../log/index.js";
import { WatchCursor, type KvUpdate, type LogPosition } from "../values/index.js";
import type { MemoryCopy } from "./memory-copy.js";

/** What a followed log adds up to, in memory, and up to where. */
export class LogCopy implements FollowedCopy {
  readonly memory: MemoryCopy;
  /** None before the log's first position, or once it was withdrawn. */
  cursor = WatchCursor.none;
  /** 0 where it is not known. */
  cursorTimeNs = 0n;
  /** Positions taken. */
  positions = 0;

  constructor(memory: MemoryCopy) {
    this.memory = memory;
  }

  update(update: KvUpdate): void {
    this.memory.apply(update);
  }

  position({ cursor, cursorTimeNs }: LogPosition): void {
    this.cursor = cursor;
    this.cursorTimeNs = cursorTimeNs;
    this.positions += 1;
  }

  settle(): Promise<void> {
    return this.memory.settle();
  }
}
