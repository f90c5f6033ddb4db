import { MillpondError } from "../errors/index.js";
import { WatchCursor, type VersionToken } from "../values/index.js";
import type { AuditReport } from "../watch/index.js";
import type { ChangeFeed } from "./change-feed.js";
import type { ChangeBatch, ChangesOptions } from "./changes.js";
import type { CurrentCopy } from "./current-copy.js";
import { checkStaleness } from "./freshness.js";
import type { Following } from "./following.js";
import { LocalReads, type ReadableCopy } from "./local-reads.js";
import type { Progress } from "./progress.js";
import type { StalenessOptions, Replica, ReplicaEntry, ReplicaStatus } from "./replica.js";

export interface RunningParts {
  readonly copy: CurrentCopy;
  /** The copy as it is shown. */
  readonly visible: ReadableCopy;
  readonly progress: Progress;
  readonly feed: ChangeFeed;
  readonly following: Following;
  readonly signal: AbortSignal | undefined;
}

/** A replica whose watch has begun, as its user sees it. */
export class RunningReplica extends LocalReads implements Replica {
  readonly #parts: RunningParts;
  readonly #onAbort = (): void => {
    // The failure of a close that nobody asked for by name is shown by the status.
    this.close().catch((error: unknown) => this.#parts.progress.failed(error));
  };
  #closing: Promise<void> | undefined;

  constructor(parts: RunningParts) {
    super();
    this.#parts = parts;
    parts.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  override get(key: string, options?: StalenessOptions): Uint8Array | undefined {
    this.#requireFresh(options);
    return super.get(key);
  }

  override entry(key: string, options?: StalenessOptions): ReplicaEntry | undefined {
    this.#requireFresh(options);
    return super.entry(key);
  }

  override entries(prefix?: string, options?: StalenessOptions): Iterable<ReplicaEntry> {
    this.#requireFresh(options);
    return super.entries(prefix);
  }

  async ready(options: StalenessOptions & { readonly signal?: AbortSignal } = {}): Promise<void> {
    const { maxStalenessMs, signal } = options;
    const { progress } = this.#parts;
    if (maxStalenessMs === undefined) return progress.waiting.until(() => progress.isReady, signal);
    checkStaleness(maxStalenessMs);
    return progress.waiting.until(() => progress.freshness.isWithin(maxStalenessMs), signal);
  }

  changes(options: ChangesOptions = {}): AsyncIterableIterator<ChangeBatch> {
    this.readable();
    return this.#parts.feed.subscribe(options);
  }

  async waitFor(
    revision: bigint | VersionToken,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<void> {
    const { progress } = this.#parts;
    const position =
      typeof revision === "bigint"
        ? WatchCursor.fromU64(revision)
        : WatchCursor.fromVersion(revision);
    return progress.waiting.until(() => progress.hasWhole(position), signal);
  }

  async audit(options: { readonly signal?: AbortSignal } = {}): Promise<AuditReport> {
    this.readable();
    return this.#parts.following.audit(options);
  }

  status(): ReplicaStatus {
    const { progress, copy } = this.#parts;
    return progress.status(copy);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { copy, progress, feed, following, signal } = this.#parts;
    signal?.removeEventListener("abort", this.#onAbort);
    progress.waiting.fail(closed());
    await following.end(closed());
    feed.end(undefined);
    progress.move("closed");
    await copy.close();
  }

  #requireFresh(options: StalenessOptions | undefined): void {
    if (options?.maxStalenessMs === undefined) return;
    this.readable();
    this.#parts.progress.freshness.require(options.maxStalenessMs);
  }

  protected readable(): ReadableCopy {
    if (this.#parts.progress.state === "closed") throw closed();
    return this.#parts.visible;
  }
}

function closed(): MillpondError {
  return new MillpondError("closed", "the replica is closed");
}
