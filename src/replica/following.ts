import type { WatchScope } from "../kv/index.js";
import type { Clock } from "../platform/index.js";
import type { KvUpdate } from "../values/index.js";
import { type AuditReport, type RunningWatch, startWatch } from "../watch/index.js";
import type { BucketLooks } from "./bucket-looks.js";
import type { ChangeFeed } from "./change-feed.js";
import type { CurrentCopy } from "./current-copy.js";
import { observed } from "./observed-source.js";
import type { ReplicaOptions } from "./options.js";
import type { ReplicaOrigin } from "./origin.js";
import type { Progress } from "./progress.js";
import type { SeenKeeper } from "./seen-keeper.js";
import type { Expiry } from "./expiry.js";
import { Sweeper } from "./sweeper.js";

/** What comes while a copy is filled is applied and written in larger pieces than a watch's own default: each costs some system calls. */
const BATCH_UPDATES = 256;
/** The time that comes with an answer is taken for that of the middle of the wait. */
const LONGEST_ANSWER_MS = 2000;

export interface FollowingParts {
  readonly options: ReplicaOptions;
  readonly scope: WatchScope;
  readonly copy: CurrentCopy;
  readonly origin: ReplicaOrigin;
  readonly progress: Progress;
  readonly feed: ChangeFeed;
  readonly expiry: Expiry;
  readonly looks: BucketLooks;
  readonly keeper: SeenKeeper;
  readonly clock: Clock;
}

/** The watch that keeps a copy, and what goes on beside it: from the beginning to the end of a replica. */
export class Following {
  readonly #parts: FollowingParts;
  readonly #stop = new AbortController();
  readonly #watch: RunningWatch;
  readonly #done: Promise<void>;
  readonly #sweeper: Sweeper;
  readonly #forgetLink: () => void;

  constructor(parts: FollowingParts) {
    this.#parts = parts;
    const { options, copy, progress, expiry, clock } = parts;
    progress.loaded(copy.cursor());
    this.#forgetLink = options.source.onConnectedChange(() => progress.connectedChanged());
    this.#watch = this.#begin();
    this.#sweeper = new Sweeper({
      copy,
      expiry,
      clock,
      remove: (entries, reason) => this.#watch.remove(entries, reason),
      confirmTime: () => this.#confirmTime(),
    });
    this.#done = this.#untilDone();
    this.#sweeper.begin();
  }

  audit(options: { readonly signal?: AbortSignal }): Promise<AuditReport> {
    return this.#watch.audit(options);
  }

  /** Other limits of the bucket, or another idea of its time. */
  limitsChanged(): void {
    this.#sweeper.begin();
  }

  /** Flushes what was received, and gives up the watch. */
  async end(reason: unknown): Promise<void> {
    const { looks, keeper } = this.#parts;
    looks.end();
    // Ended first: what it waits for needs the watch.
    const swept = this.#sweeper.end();
    this.#stop.abort(reason);
    await this.#done;
    await swept;
    this.#forgetLink();
    await keeper.end();
  }

  /** Without a line the last answer has to do. */
  async #confirmTime(): Promise<boolean> {
    const { options, looks, clock } = this.#parts;
    if (!options.source.connected) return true;
    const askedAt = clock.now();
    await looks.look();
    const tookMs = clock.now() - askedAt;
    // Else the clock was set meanwhile, or the answer says little.
    return tookMs >= 0 && tookMs <= LONGEST_ANSWER_MS;
  }

  async #untilDone(): Promise<void> {
    const { progress, feed } = this.#parts;
    try {
      await this.#watch.done;
    } catch (error) {
      progress.failed(error);
      feed.end(error);
      void this.#sweeper.end();
    }
    progress.end();
  }

  #begin(): RunningWatch {
    const { options, scope, copy, origin, progress, expiry, keeper, clock } = this.#parts;
    const { source, random, batch, retry, held, countIntervalMs, auditIntervalMs } = options;
    return startWatch<KvUpdate>({
      source: observed(source, progress),
      scope,
      auditor: source,
      store: copy,
      evictions: expiry.mode,
      // All of them: what a narrower scope no longer follows is dropped as well.
      knownKeys: () => keysOf(copy),
      origin,
      parse: (update) => update,
      apply: (updates) => this.#apply(updates),
      onApplied: (cursor) => progress.stored(cursor),
      // Reads go on without the disk, and so does the watch, within the bounds of what it may hold.
      maxStoreFailures: Infinity,
      onEvent: (event) => {
        progress.watched(event, copy);
        if (event.type === "progress") keeper.touch();
      },
      signal: this.#stop.signal,
      clock,
      ...(random === undefined ? {} : { random }),
      batch: { maxUpdates: BATCH_UPDATES, ...batch },
      ...(retry === undefined ? {} : { retry }),
      ...(held === undefined ? {} : { held }),
      ...(countIntervalMs === undefined ? {} : { countIntervalMs }),
      ...(auditIntervalMs === undefined ? {} : { auditIntervalMs }),
      ...(options.failFast === undefined ? {} : { failFast: options.failFast }),
    });
  }

  #apply(updates: readonly KvUpdate[]): void {
    const { copy, feed, progress } = this.#parts;
    const tell = feed.capture(copy, updates);
    progress.tally.applying(updates, copy);
    copy.show(updates);
    this.#sweeper.noticed(updates);
    tell?.();
  }
}

function* keysOf(copy: CurrentCopy): Iterable<string> {
  for (const { key } of copy.range("")) yield key;
}
