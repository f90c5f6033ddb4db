import { MillpondError } from "../errors/index.js";
import type { WatchScope } from "../kv/index.js";
import type { Clock } from "../platform/index.js";
import type { KvUpdate } from "../values/index.js";
import { watchApplied } from "../watch/index.js";
import type { CurrentCopy } from "./current-copy.js";
import { LocalReads } from "./local-reads.js";
import type { ReplicaOptions } from "./options.js";
import type { ReplicaOrigin } from "./origin.js";
import type { Progress } from "./progress.js";
import type { Replica, ReplicaStatus } from "./replica.js";

export interface RunningParts {
  readonly options: ReplicaOptions;
  readonly scope: WatchScope;
  readonly copy: CurrentCopy;
  readonly origin: ReplicaOrigin;
  readonly progress: Progress;
  readonly clock: Clock;
}

/** A replica whose watch has begun. */
export class RunningReplica extends LocalReads implements Replica {
  readonly #parts: RunningParts;
  readonly #stop = new AbortController();
  readonly #watch: Promise<void>;
  readonly #forgetLink: () => void;
  readonly #onAbort = (): void => {
    // The failure of a close that nobody asked for by name is shown by the status.
    this.close().catch((error: unknown) => this.#parts.progress.failed(error));
  };
  #closing: Promise<void> | undefined;

  constructor(parts: RunningParts) {
    super();
    this.#parts = parts;
    const { progress, options } = parts;
    this.#forgetLink = options.source.onConnectedChange(() => progress.connectedChanged());
    this.#watch = this.#run();
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  status(): ReplicaStatus {
    const { progress, copy } = this.#parts;
    return progress.status(copy);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #run(): Promise<void> {
    const { options, scope, copy, origin, progress, clock } = this.#parts;
    const { source, random, batch, retry, held } = options;
    progress.stored(copy.cursor());
    try {
      await watchApplied<KvUpdate>({
        source,
        scope,
        reader: source,
        store: copy,
        // All of them: what a narrower scope no longer follows is dropped as well.
        knownKeys: () => keysOf(copy),
        origin,
        parse: (update) => update,
        apply: (updates) => copy.show(updates),
        onApplied: (cursor) => progress.stored(cursor),
        // Reads go on without the disk, and so does the watch, within the bounds of what it may hold.
        maxStoreFailures: Infinity,
        onEvent: (event) => {
          if (progress.watched(event, copy)) this.readiness.reach();
        },
        signal: this.#stop.signal,
        clock,
        ...(random === undefined ? {} : { random }),
        ...(batch === undefined ? {} : { batch }),
        ...(retry === undefined ? {} : { retry }),
        ...(held === undefined ? {} : { held }),
        ...(options.failFast === undefined ? {} : { failFast: options.failFast }),
      });
    } catch (error) {
      progress.failed(error);
      this.readiness.fail(error);
    }
  }

  async #close(): Promise<void> {
    const { options, copy, progress } = this.#parts;
    options.signal?.removeEventListener("abort", this.#onAbort);
    this.readiness.fail(closed());
    this.#stop.abort(closed());
    await this.#watch;
    this.#forgetLink();
    progress.move("closed");
    await copy.close();
  }

  protected readable(): CurrentCopy {
    if (this.#parts.progress.state === "closed") throw closed();
    return this.#parts.copy;
  }
}

function closed(): MillpondError {
  return new MillpondError("closed", "the replica is closed");
}

function* keysOf(copy: CurrentCopy): Iterable<string> {
  for (const { key } of copy.range("")) yield key;
}
