import type { Arena } from "../kernel/index.js";
import { LogFollower, type FollowCounts, type Look } from "../log/index.js";
import type { FileSystem, Random } from "../platform/index.js";
import { WatchCursor, type KvEntry } from "../values/index.js";
import { newArena } from "./arena-loader.js";
import { LogCopy } from "./log-copy.js";

/** A log that another process writes, as of the last look at it. Reads see what the log said at one of its positions. */
export class FollowedLog {
  readonly #follower: LogFollower<LogCopy>;
  #copy: LogCopy | undefined;
  /**
   * The memory of a copy that is not shown any more. The runtime does not see how large it is and collects it late: a log that
   * is read anew again and again would pile it up. If it is collected first, so much the better.
   */
  #spare: WeakRef<Arena> | undefined;

  /** `path`: the log's file, which need not exist yet. */
  constructor(fs: FileSystem, path: string, random: Random) {
    this.#follower = new LogFollower({
      fs,
      path,
      makeCopy: () => new LogCopy(this.#takeSpare() ?? newArena(random)),
      show: (copy) => {
        this.#copy = copy;
      },
      retire: (copy) => {
        if (copy.openRanges > 0) return;
        copy.entries.clear();
        this.#spare = new WeakRef(copy.entries);
      },
    });
  }

  /** Takes what the log has by now. Not to be called again before it has come back. */
  async look(): Promise<Look & { readonly hasChanged: boolean }> {
    const before = this.#copy;
    const steps = before?.steps;
    const look = await this.#follower.look();
    const hasChanged = this.#copy !== before || this.#copy?.steps !== steps;
    await this.#copy?.settle();
    return { ...look, hasChanged };
  }

  /** Whether a log has been read yet. */
  get isLoaded(): boolean {
    return this.#copy !== undefined;
  }

  get size(): number {
    return this.#copy?.entries.size ?? 0;
  }

  get cursor(): WatchCursor {
    return this.#copy?.cursor ?? WatchCursor.none;
  }

  /** When the source stored the message at the cursor, in ns since 1970; 0 where that is not known. */
  get cursorTimeNs(): bigint {
    return this.#copy?.cursorTimeNs ?? 0n;
  }

  /** When the file was last written to, in milliseconds since the Unix epoch. */
  get modifiedMs(): number | undefined {
    return this.#follower.modifiedMs;
  }

  get counts(): FollowCounts {
    return this.#follower.counts;
  }

  /** The caller's own. */
  get(key: string): KvEntry | undefined {
    return this.#copy?.entries.get(key);
  }

  /** Ascending by the UTF-8 bytes of the key. */
  range(prefix: string): Iterable<KvEntry> {
    return this.#copy?.range(prefix) ?? [];
  }

  close(): Promise<void> {
    return this.#follower.close();
  }

  #takeSpare(): Arena | undefined {
    const arena = this.#spare?.deref();
    this.#spare = undefined;
    return arena;
  }
}
