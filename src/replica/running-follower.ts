import { join } from "node:path";
import { IoError, MillpondError } from "../errors/index.js";
import {
  keepProcessAlive,
  sleep,
  type Clock,
  type FileSystem,
  type Random,
} from "../platform/index.js";
import { laterCursor } from "../rules/index.js";
import { FollowedLog } from "../store/index.js";
import { WatchCursor } from "../values/index.js";
import type { Follower, FollowerEvent, FollowerState, FollowerStatus } from "./follower.js";
import { LocalReads } from "./local-reads.js";
import { LOG_NAME } from "./origin-file.js";
import { Waiting } from "./waiting.js";

export interface FollowerParts {
  readonly path: string;
  readonly pollMs: number;
  readonly fs: FileSystem;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal | undefined;
  readonly onEvent: ((event: FollowerEvent) => void) | undefined;
}

const WRITER_CHECK_MS = 1000;
const PAUSE_MIN_MS = 1;
const NS_PER_MS = 1_000_000n;

/** Looks at the log again and again, one look at a time, until it is closed. */
export class RunningFollower extends LocalReads implements Follower {
  readonly #parts: FollowerParts;
  readonly #stop = new AbortController();
  readonly #waiting = new Waiting();
  readonly #letProcessEnd: () => void;
  readonly #onAbort = (): void => void this.close();
  #log: FollowedLog;
  #logPath: string;
  #state: FollowerState = "waiting";
  #problem: MillpondError | undefined;
  #hasWriter: boolean | undefined;
  #writerCheckedAt = -Infinity;
  #wentBack = 0;
  /** The position that was shown last. */
  #shown = WatchCursor.none;
  #isReady = false;
  #looking: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(parts: FollowerParts) {
    super();
    this.#parts = parts;
    this.#letProcessEnd = keepProcessAlive(parts.clock);
    this.#logPath = parts.path;
    this.#log = new FollowedLog(parts.fs, parts.path, parts.random);
    parts.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Resolves after the first look. */
  async begin(): Promise<void> {
    this.#looking = this.#look();
    await this.#looking;
    this.#looking = this.#lookOn();
  }

  ready({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return this.#waiting.until(() => this.#isReady, signal);
  }

  status(): FollowerStatus {
    const { cursor, cursorTimeNs, size, modifiedMs, counts } = this.#log;
    // A look that is under way may have gone back already.
    this.#noteShown();
    return {
      state: this.#state,
      cursor,
      cursorTimeMs: cursorTimeNs === 0n ? undefined : Number(cursorTimeNs / NS_PER_MS),
      size,
      modifiedMs,
      hasWriter: this.#hasWriter,
      problem: this.#problem,
      loads: counts.loads,
      jumps: counts.jumps,
      wentBack: this.#wentBack,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#parts.signal?.removeEventListener("abort", this.#onAbort);
    this.#stop.abort(closed());
    this.#waiting.fail(closed());
    this.#move("closed");
    await this.#looking;
    await this.#log.close();
    this.#letProcessEnd();
  }

  async #lookOn(): Promise<void> {
    const { clock, pollMs } = this.#parts;
    const { signal } = this.#stop;
    let pauseMs = pollMs;
    while (!signal.aborted) {
      await sleep(clock, pauseMs, signal).catch(() => undefined);
      if (signal.aborted) return;
      const begun = clock.now();
      await this.#look();
      // From look to look, and never none: the clock is the wall's, which may jump.
      pauseMs = Math.min(pollMs, Math.max(PAUSE_MIN_MS, pollMs - (clock.now() - begun)));
    }
  }

  async #look(): Promise<void> {
    if (!this.#log.isLoaded) await this.#findLog();
    const { cursor: before, isLoaded: wasLoaded } = this.#log;
    const { isThere, problem: unread, hasChanged } = await this.#log.look();
    this.#noteShown();
    await this.#lookForWriter();
    if (this.#stop.signal.aborted) return;
    const { cursor, isLoaded, size } = this.#log;
    const problem = unread ?? (isLoaded && !isThere ? goneFrom(this.#logPath) : undefined);
    this.#problem = problem;
    this.#move(!isLoaded ? "waiting" : problem === undefined ? "following" : "behind");
    if (!isLoaded) return;
    if (!wasLoaded) {
      this.#isReady = true;
      this.#waiting.look();
      this.#tell({ type: "ready", cursor, size });
    } else if (hasChanged) {
      this.#changed(before, cursor);
    }
  }

  #changed(from: WatchCursor, to: WatchCursor): void {
    if (isBefore(to, from)) this.#tell({ type: "went-back", from, to });
    this.#tell({ type: "changed", cursor: to });
  }

  #noteShown(): void {
    const { cursor } = this.#log;
    if (isBefore(cursor, this.#shown)) this.#wentBack += 1;
    this.#shown = cursor;
  }

  /** The path is a file's, or a directory's that holds it: which, is only known once something is there. */
  async #findLog(): Promise<void> {
    const { fs, path, random } = this.#parts;
    const found = await fs.stat(path).catch(() => undefined);
    const logPath = found?.kind === "file" ? path : join(path, LOG_NAME);
    if (logPath === this.#logPath) return;
    await this.#log.close();
    this.#logPath = logPath;
    this.#log = new FollowedLog(fs, logPath, random);
  }

  async #lookForWriter(): Promise<void> {
    const { fs, clock } = this.#parts;
    if (clock.now() - this.#writerCheckedAt < WRITER_CHECK_MS) return;
    this.#writerCheckedAt = clock.now();
    this.#hasWriter = await fs
      .realPath(this.#logPath)
      .then((path) => fs.isLocked(path))
      .catch(() => undefined);
  }

  #move(state: FollowerState): void {
    const previous = this.#state;
    if (state === previous || previous === "closed") return;
    this.#state = state;
    this.#tell({ type: "state", state, previous });
  }

  #tell(event: FollowerEvent): void {
    this.#parts.onEvent?.(event);
  }

  protected readable(): FollowedLog {
    if (this.#state === "closed") throw closed();
    return this.#log;
  }
}

function closed(): MillpondError {
  return new MillpondError("closed", "the follower is closed");
}

/** No position is before every other. */
function isBefore(a: WatchCursor, b: WatchCursor): boolean {
  return !a.equals(b) && !b.isNone && laterCursor(b, a) === b;
}

function goneFrom(path: string): MillpondError {
  return new IoError(
    path,
    "follow",
    "it, or its directory, was removed or moved away",
    "What was read before is served. The follower goes on once a log is there again.",
  );
}
