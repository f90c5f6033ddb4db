import type { FollowedCopy } from "../log/index.js";
import type { WatchCursor } from "../values/index.js";
import { ArenaLoader } from "./arena-loader.js";

/** What a followed log adds up to, in memory, and up to where. */
export class LogCopy extends ArenaLoader implements FollowedCopy {
  /** None before the log's first position, or once it was withdrawn. */
  get cursor(): WatchCursor {
    return this.reached.cursor;
  }

  /** 0 where it is not known. */
  get cursorTimeNs(): bigint {
    return this.reached.cursorTimeNs;
  }
}
