import { MillpondError } from "../errors/index.js";
import type { BucketConfig } from "../kv/index.js";
import type { Clock } from "../platform/clock.js";
import { BucketStream, type Journal, type StreamIdentity } from "./bucket-stream.js";
import { checkBucketName, resolveConfig } from "./config.js";
import { bucketNotFound } from "./failures.js";

/** Where buckets are kept beyond the process. */
export interface BucketFolder {
  /** Makes the bucket's file. */
  create(identity: StreamIdentity): Promise<BucketKeeper>;
  /** Lets go of the folder. */
  close(): Promise<void>;
}

/** Keeps one bucket. */
export interface BucketKeeper {
  readonly journal: Journal;
  close(): Promise<void>;
  /** Removes the file. */
  discard(): Promise<void>;
}

export interface ServerSetup {
  readonly clock: Clock;
  readonly maxBuckets: number;
  readonly maxValueBytes: number;
  readonly ttl: boolean;
  readonly folder?: BucketFolder;
}

interface Hosted {
  readonly stream: BucketStream;
  readonly keeper: BucketKeeper | undefined;
}

/** The buckets that connections of one `openInProcess` share. */
export class BucketServer {
  readonly clock: Clock;
  readonly maxValueBytes: number;
  readonly ttl: boolean;
  readonly #setup: ServerSetup;
  readonly #buckets = new Map<string, Hosted>();
  readonly #connections = new Set<object>();
  /** Creations and deletions one after the other: with a folder they wait for files. */
  #turn: Promise<unknown> = Promise.resolve();
  #made = 0;

  constructor(setup: ServerSetup) {
    this.#setup = setup;
    this.clock = setup.clock;
    this.maxValueBytes = setup.maxValueBytes;
    this.ttl = setup.ttl;
  }

  checkName(name: string): void {
    checkBucketName(name);
  }

  /** Throws `bucket-not-found`. */
  stream(name: string): BucketStream {
    const hosted = this.#buckets.get(name);
    if (hosted === undefined) throw bucketNotFound(name);
    return hosted.stream;
  }

  /** Takes in a bucket that was there before. */
  host(stream: BucketStream, keeper: BucketKeeper): void {
    stream.keepIn(keeper.journal);
    this.#buckets.set(stream.identity.name, { stream, keeper });
  }

  /** Makes the bucket unless it is there. */
  create(name: string, config: BucketConfig): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#buckets.has(name)) return;
      const resolved = resolveConfig(config);
      if (resolved.markerTtlMs !== undefined && !this.ttl) {
        throw new MillpondError("operation-failed", "this server has no times to live", {
          hint: "Leave markerTtlMs out, or use a server that has them.",
        });
      }
      if (this.#buckets.size >= this.#setup.maxBuckets) {
        throw new MillpondError(
          "operation-failed",
          `there are ${this.#buckets.size} buckets already`,
          {
            hint: "Delete one, or raise maxBuckets.",
          },
        );
      }
      const identity = { name, created: this.#created(), config: resolved, lastSequence: 0 };
      const keeper = await this.#setup.folder?.create(identity);
      const stream = new BucketStream(identity, this.clock);
      if (keeper !== undefined) stream.keepIn(keeper.journal);
      this.#buckets.set(name, { stream, keeper });
    });
  }

  /** Throws `bucket-not-found`. */
  delete(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const hosted = this.#buckets.get(name);
      if (hosted === undefined) throw bucketNotFound(name);
      this.#buckets.delete(name);
      hosted.stream.destroy();
      await hosted.keeper?.discard();
    });
  }

  join(connection: object): void {
    this.#connections.add(connection);
  }

  /** After the last connection has left, nothing of the server stays. */
  leave(connection: object): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#connections.delete(connection) || this.#connections.size > 0) return;
      for (const { stream, keeper } of this.#buckets.values()) {
        stream.stop();
        await keeper?.close();
      }
      this.#buckets.clear();
      await this.#setup.folder?.close();
    });
  }

  /** The time of creation, as a server gives it in nanoseconds; no two buckets of a server have the same. */
  #created(): string {
    this.#made = (this.#made + 1) % 1_000_000;
    const millis = new Date(this.clock.now()).toISOString().slice(0, -1);
    return `${millis}${String(this.#made).padStart(6, "0")}Z`;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
