import type { BucketConfig, Connection, ConnectionCapabilities } from "../kv/index.js";
import { InProcessBucket, type BucketAccess } from "./bucket.js";
import { Link } from "./link.js";
import type { BucketServer } from "./server.js";

/** How long after the last report a watch reports that its cursor moved without updates. A NATS heartbeat is a second. */
const BOOKMARK_MS = 200;

/**
 * A connection to buckets in this process. Beyond {@link Connection} it can drop the line, delete buckets, and open further
 * connections to the same buckets.
 */
export class InProcessConnection implements Connection {
  readonly capabilities: ConnectionCapabilities;
  readonly #server: BucketServer;
  readonly #link = new Link();
  readonly #access: BucketAccess;

  /** Use `openInProcess`. */
  constructor(server: BucketServer) {
    this.#server = server;
    this.capabilities = {
      streamingWatch: true,
      prefixWatch: true,
      ttl: server.ttl,
      purge: true,
      cas: true,
      transactions: false,
      maxValueBytes: server.maxValueBytes,
      globalOrdering: true,
    };
    this.#access = {
      link: this.#link,
      clock: server.clock,
      maxValueBytes: server.maxValueBytes,
      bookmarkMs: BOOKMARK_MS,
      stream: (name) => server.stream(name),
    };
    server.join(this);
  }

  get connected(): boolean {
    return this.#link.state === "up";
  }

  /** Throws `invalid-argument` for what cannot be a bucket's name. */
  bucket(name: string): InProcessBucket {
    this.#server.checkName(name);
    return new InProcessBucket(name, this.#access);
  }

  /**
   * Throws `invalid-argument` for a configuration that no server takes, `operation-failed` for one bucket too many and for a
   * marker TTL where `ttl` is off.
   */
  async createBucket(name: string, config: BucketConfig = {}): Promise<InProcessBucket> {
    const bucket = this.bucket(name);
    this.#link.require();
    await this.#server.create(name, config);
    return bucket;
  }

  /** Deletes the bucket with all it holds: its watches end with `bucket-not-found`. Throws that where there is none. */
  async deleteBucket(name: string): Promise<void> {
    this.#link.require();
    await this.#server.delete(name);
  }

  /** Another connection to the same buckets. They are gone, or their files let go, when the last one is closed. */
  connect(): InProcessConnection {
    this.#link.require();
    return new InProcessConnection(this.#server);
  }

  /** From now on requests throw `not-connected` and watches fall silent. */
  disconnect(): void {
    this.#link.set("down");
  }

  /** Requests go through again, and watches go on where they were. */
  reconnect(): void {
    this.#link.set("up");
  }

  /** Its watches throw `not-connected`. */
  async close(): Promise<void> {
    this.#link.set("closed");
    await this.#server.leave(this);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
