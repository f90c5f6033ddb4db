import type {
  BucketInfo,
  KvRecord,
  KvRecordHead,
  KvStore,
  KvWatch,
  PutOptions,
  WatchOptions,
  WatchScope,
} from "../kv/index.js";
import type { KvEntry, VersionToken, WatchCursor } from "../values/index.js";
import type { JetStreamApi } from "./api.js";
import { limitsOf } from "./bucket-config.js";
import { BucketReader, type ReaderOptions } from "./reader.js";
import { streamOf } from "./subjects.js";
import { openWatch } from "./watch.js";
import { BucketWriter } from "./writer.js";

/** One bucket of a {@link NatsConnection}. Every operation throws `bucket-not-found` where there is no such bucket. */
export class NatsBucket implements KvStore {
  readonly name: string;
  readonly #api: JetStreamApi;
  readonly #options: ReaderOptions;
  readonly #reader: BucketReader;
  readonly #writer: BucketWriter;

  /** Use `NatsConnection.bucket`. */
  constructor(name: string, api: JetStreamApi, options: ReaderOptions) {
    this.name = name;
    this.#api = api;
    this.#options = options;
    this.#reader = new BucketReader(name, api, options);
    this.#writer = new BucketWriter(name, api, this.#reader);
  }

  get connected(): boolean {
    return this.#api.link.state === "up";
  }

  onConnectedChange(listener: () => void): () => void {
    return this.#api.link.onChange(listener);
  }

  get(key: string): Promise<KvEntry | undefined> {
    return this.#reader.get(key);
  }

  entry(key: string): Promise<KvRecord | undefined> {
    return this.#reader.entry(key);
  }

  keys(prefix?: string): AsyncGenerator<string, void> {
    return this.#reader.keys(prefix);
  }

  scan(prefix?: string): AsyncGenerator<KvEntry, void> {
    return this.#reader.scan(prefix);
  }

  records(scope: WatchScope): AsyncGenerator<KvRecordHead, void> {
    return this.#reader.records(scope);
  }

  countRecords(scope: WatchScope): Promise<number> {
    return this.#reader.countRecords(scope);
  }

  recordAt(position: WatchCursor): Promise<KvRecordHead | undefined> {
    return this.#reader.recordAt(position);
  }

  put(key: string, value: Uint8Array, options?: PutOptions): Promise<VersionToken> {
    return this.#writer.put(key, value, options);
  }

  create(key: string, value: Uint8Array, options?: PutOptions): Promise<VersionToken> {
    return this.#writer.create(key, value, options);
  }

  update(key: string, value: Uint8Array, expected: VersionToken): Promise<VersionToken> {
    return this.#writer.update(key, value, expected);
  }

  delete(key: string): Promise<VersionToken> {
    return this.#writer.delete(key);
  }

  deleteWithVersion(key: string, expected: VersionToken): Promise<VersionToken> {
    return this.#writer.deleteWithVersion(key, expected);
  }

  purge(key: string): Promise<VersionToken> {
    return this.#writer.purge(key);
  }

  async info(): Promise<BucketInfo> {
    const { created, state, config, ts } = await this.#api.streamInfo(streamOf(this.name));
    return {
      name: this.name,
      created,
      // A stream that never held a record says 0.
      firstSequence: BigInt(Math.max(state.first_seq, 1)),
      lastSequence: BigInt(state.last_seq),
      records: state.messages,
      bytes: state.bytes,
      limits: limitsOf(config),
      serverTimeMs: ts === undefined ? this.#api.link.clock.now() : Date.parse(ts),
    };
  }

  watch(scope: WatchScope, options: WatchOptions = {}): Promise<KvWatch> {
    return openWatch(this.#api, this.name, scope, { ...options, ...this.#options });
  }
}
