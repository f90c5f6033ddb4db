import type { BucketConfig, Connection, ConnectionCapabilities } from "../kv/index.js";
import { MillpondError } from "../errors/index.js";
import type { JetStreamApi } from "./api.js";
import { checkBucketName, streamConfigOf } from "./bucket-config.js";
import { NatsBucket } from "./bucket.js";
import { requireServer, supportsTtl } from "./server-version.js";
import { streamOf } from "./subjects.js";
import { maxValueBytesOf } from "./writer.js";

export interface BucketOptions {
  /** Overrides the connection's setting for this bucket. */
  readonly emptyValueIsDelete?: boolean;
}

export interface ConnectionParts {
  readonly emptyValueIsDelete: boolean;
  /** Closes what is under the connection, if that is the connection's own. */
  readonly release: () => Promise<void>;
}

/** A connection to NATS. Made by `connect` or `fromConnection`. Shows no secrets, however it is printed. */
export class NatsConnection implements Connection {
  readonly #api: JetStreamApi;
  readonly #parts: ConnectionParts;

  /** Use `connect` or `fromConnection`. */
  constructor(api: JetStreamApi, parts: ConnectionParts) {
    this.#api = api;
    this.#parts = parts;
  }

  get connected(): boolean {
    return this.#api.link.state === "up";
  }

  /** Of the server that the connection has now, or had last; empty before the first. */
  get serverVersion(): string {
    return this.#api.link.server.version;
  }

  /** Before the first contact the least that can be: no `ttl`, and 0 for `maxValueBytes`. */
  get capabilities(): ConnectionCapabilities {
    const { version, maxPayload } = this.#api.link.server;
    return {
      streamingWatch: true,
      prefixWatch: true,
      ttl: version !== "" && supportsTtl(requireServer(version)),
      purge: true,
      cas: true,
      transactions: false,
      maxValueBytes: maxValueBytesOf(maxPayload),
      globalOrdering: true,
    };
  }

  /** Throws `invalid-argument` for what cannot be a bucket's name. */
  bucket(name: string, options: BucketOptions = {}): NatsBucket {
    checkBucketName(name);
    return new NatsBucket(name, this.#api, {
      emptyValueIsDelete: options.emptyValueIsDelete ?? this.#parts.emptyValueIsDelete,
    });
  }

  /**
   * Throws `invalid-argument` for a configuration out of range, `operation-failed` where the server or the account cannot have
   * it (a time to live needs 2.11).
   */
  async createBucket(name: string, config: BucketConfig = {}): Promise<NatsBucket> {
    const bucket = this.bucket(name);
    const wanted = streamConfigOf(name, config);
    if (await this.#exists(name)) return bucket;
    if (wanted.allow_msg_ttl === true && !this.capabilities.ttl) {
      throw new MillpondError(
        "operation-failed",
        `markerTtlMs needs a server of 2.11 or newer; this one is ${this.serverVersion}`,
        { hint: "Upgrade the server, or make the bucket without markerTtlMs." },
      );
    }
    // Somebody else may have made it meanwhile: then it is opened as it is.
    await this.#api.createStream(wanted);
    return bucket;
  }

  async close(): Promise<void> {
    await this.#api.end();
    await this.#parts.release();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #exists(name: string): Promise<boolean> {
    try {
      await this.#api.streamInfo(streamOf(name));
      return true;
    } catch (error) {
      if (error instanceof MillpondError && error.code === "bucket-not-found") return false;
      throw error;
    }
  }
}
