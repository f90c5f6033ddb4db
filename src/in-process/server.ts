import { MillpondError } from "../errors/index.js";
import type { BucketConfig } from "../kv/index.js";
import type { Clock } from "../platform/index.js";
import type { BucketFile } from "./bucket-file.js";
import { BucketStream } from "./bucket-stream.js";
import { checkBucketName, resolveConfig } from "./config.js";
import { bucketNotFound } from "./failures.js";
import type { BucketFolder, KeptBucket } from "./folder.js";

/** What a server's nanoseconds have beyond our milliseconds. */
const CREATED_DIGITS = 6;

export interface ServerSetup {
  readonly clock: Clock;
  readonly maxBuckets: number;
  readonly maxValueBytes: number;
  readonly ttl: boolean;
  readonly folder: BucketFolder | undefined;
}

interface Hosted {
  readonly stream: BucketStream;
  readonly file: BucketFile | undefined;
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

  /** Takes in a bucket that is kept in a file. */
  host({ stream, file }: KeptBucket): void {
    stream.keepIn(file);
    this.#buckets.set(stream.identity.name, { stream, file });
    const { created } = stream.identity;
    this.#made = Math.max(this.#made, Number(created.slice(-1 - CREATED_DIGITS, -1)) || 0);
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
      const stream = new BucketStream(identity, this.clock);
      const { folder } = this.#setup;
      if (folder === undefined) this.#buckets.set(name, { stream, file: undefined });
      else this.host(await folder.keep(stream));
    });
  }

  /** Throws `bucket-not-found`. */
  delete(name: string): Promise<void> {
    return this.#inTurn(async () => {
      const hosted = this.#buckets.get(name);
      if (hosted === undefined) throw bucketNotFound(name);
      this.#buckets.delete(name);
      hosted.stream.destroy();
      await hosted.file?.discard();
    });
  }

  join(connection: object): void {
    this.#connections.add(connection);
  }

  /** After the last connection has left, nothing of the server stays. */
  leave(connection: object): Promise<void> {
    return this.#inTurn(async () => {
      if (!this.#connections.delete(connection) || this.#connections.size > 0) return;
      for (const { stream, file } of this.#buckets.values()) {
        stream.stop();
        await file?.close();
      }
      this.#buckets.clear();
      await this.#setup.folder?.close();
    });
  }

  /** The time of creation, as a server gives it in nanoseconds; no two buckets of a server have the same. */
  #created(): string {
    this.#made = (this.#made + 1) % 10 ** CREATED_DIGITS;
    const millis = new Date(this.clock.now()).toISOString().slice(0, -1);
    return `${millis}${String(this.#made).padStart(CREATED_DIGITS, "0")}Z`;
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }
}
