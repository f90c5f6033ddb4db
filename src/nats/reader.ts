import {
  prefixesOf,
  type KvAuditor,
  type KvReader,
  type KvRecord,
  type KvRecordHead,
  type WatchScope,
} from "../kv/index.js";
import {
  checkPrefix,
  checkReadableKey,
  VersionToken,
  type KvEntry,
  type WatchCursor,
} from "../values/index.js";
import type { JetStreamApi } from "./api.js";
import type { StoredMessage } from "./api-types.js";
import { countRecords, listRecords, type ListedRecord } from "./listing.js";
import { meaningOf, nanosOfTime, storedHeaders, ttlMsOf } from "./message.js";
import { streamOf, subjectPrefixOf } from "./subjects.js";

export interface ReaderOptions {
  readonly emptyValueIsDelete: boolean;
}

/** Reads one bucket. Single keys are read from the stream's leader, so that a writer reads its own writes. */
export class BucketReader implements KvReader, KvAuditor {
  readonly #bucket: string;
  readonly #api: JetStreamApi;
  readonly #options: ReaderOptions;
  /** Once a stream allows times to live, it always will. */
  #hasTtl = false;

  constructor(bucket: string, api: JetStreamApi, options: ReaderOptions) {
    this.#bucket = bucket;
    this.#api = api;
    this.#options = options;
  }

  async get(key: string): Promise<KvEntry | undefined> {
    const record = await this.entry(key);
    if (record?.kind !== "put") return undefined;
    return entryOf(record);
  }

  async entry(key: string): Promise<KvRecord | undefined> {
    checkReadableKey(key);
    const subject = `${subjectPrefixOf(this.#bucket)}${key}`;
    const stored = await this.#api.lastMessage(streamOf(this.#bucket), subject);
    if (stored === undefined) return undefined;
    const { timeNs: _exact, ...record } = await this.#recordOf(key, stored);
    return record;
  }

  /**
   * As the bucket is while the listing runs: a key that changes under it can come twice. Throws `operation-failed` or
   * `not-connected` where it is cut short, so that half a listing never passes for a whole one.
   */
  async *keys(prefix = ""): AsyncGenerator<string, void> {
    for await (const record of this.#live(prefix, true)) yield record.key;
  }

  /** As {@link BucketReader.keys}; where a key comes twice, the later entry is the newer. */
  async *scan(prefix = ""): AsyncGenerator<KvEntry, void> {
    for await (const record of this.#live(prefix, false)) {
      yield entryOf(record);
    }
  }

  async *records(scope: WatchScope): AsyncGenerator<KvRecordHead, void> {
    for (const prefix of prefixesOf(scope)) checkPrefix(prefix);
    for await (const { value: _none, ...head } of this.#list(scope, true)) yield head;
  }

  async countRecords(scope: WatchScope): Promise<number> {
    for (const prefix of prefixesOf(scope)) checkPrefix(prefix);
    return await countRecords(this.#api, this.#bucket, scope);
  }

  async recordAt(position: WatchCursor): Promise<KvRecordHead | undefined> {
    const sequence = position.toU64() ?? 0n;
    if (sequence === 0n || sequence > Number.MAX_SAFE_INTEGER) return undefined;
    const stored = await this.#api.messageAt(streamOf(this.#bucket), Number(sequence));
    if (stored === undefined) return undefined;
    const key = stored.subject.slice(subjectPrefixOf(this.#bucket).length);
    const { value: _value, ...head } = await this.#recordOf(key, stored);
    return head;
  }

  async *#live(prefix: string, headersOnly: boolean): AsyncGenerator<KvRecord, void> {
    checkPrefix(prefix);
    for await (const record of this.#list({ kind: "prefix", prefix }, headersOnly)) {
      if (record.kind === "put") yield record;
    }
  }

  async *#list(scope: WatchScope, headersOnly: boolean): AsyncGenerator<ListedRecord, void> {
    const hasTtl = await this.#ttlCounts();
    const options = { scope, headersOnly, hasTtl, ...this.#options };
    yield* listRecords(this.#api, this.#bucket, options);
  }

  async #recordOf(key: string, stored: StoredMessage): Promise<KvRecord & { timeNs?: bigint }> {
    const header = stored.hdrs === undefined ? undefined : storedHeaders(stored.hdrs);
    const value = Buffer.from(stored.data ?? "", "base64");
    const { kind, reason } = meaningOf(header, value.length, this.#options.emptyValueIsDelete);
    const ttlMs = ttlMsOf(header);
    const timeNs = nanosOfTime(stored.time);
    return {
      kind,
      ...(reason === undefined ? {} : { reason }),
      key,
      value: kind === "put" ? new Uint8Array(value) : new Uint8Array(0),
      version: VersionToken.fromU64(stored.seq),
      timeMs: Date.parse(stored.time),
      ...(timeNs === undefined ? {} : { timeNs }),
      ...(ttlMs !== undefined && (await this.#ttlCounts()) ? { ttlMs } : {}),
    };
  }

  /** Without the stream's leave a server keeps a record for ever, whatever its `Nats-TTL` says (2.10). */
  async #ttlCounts(): Promise<boolean> {
    if (this.#hasTtl) return true;
    const { config } = await this.#api.streamInfo(streamOf(this.#bucket));
    this.#hasTtl = config.allow_msg_ttl === true;
    return this.#hasTtl;
  }
}

function entryOf({ key, value, version, timeMs, ttlMs }: KvRecord): KvEntry {
  return {
    key,
    value,
    version,
    ...(timeMs === undefined ? {} : { timeMs }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
  };
}
