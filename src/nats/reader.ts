import {
  prefixesOf,
  type KvAuditor,
  type KvReader,
  type KvRecord,
  type KvRecordHead,
  type WatchScope,
} from "../kv/index.js";
import {
  checkKey,
  checkPrefix,
  VersionToken,
  type KvEntry,
  type WatchCursor,
} from "../values/index.js";
import type { JetStreamApi } from "./api.js";
import type { StoredMessage } from "./api-types.js";
import { countRecords, listRecords } from "./listing.js";
import { kindOf, storedHeaders } from "./message.js";
import { streamOf, subjectPrefixOf } from "./subjects.js";

export interface ReaderOptions {
  readonly emptyValueIsDelete: boolean;
}

/** Reads one bucket. Single keys are read from the stream's leader, so that a writer reads its own writes. */
export class BucketReader implements KvReader, KvAuditor {
  readonly #bucket: string;
  readonly #api: JetStreamApi;
  readonly #options: ReaderOptions;

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
    checkReadable(key);
    const subject = `${subjectPrefixOf(this.#bucket)}${key}`;
    const stored = await this.#api.lastMessage(streamOf(this.#bucket), subject);
    return stored === undefined ? undefined : this.#recordOf(key, stored);
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
    const options = { scope, headersOnly: true, ...this.#options };
    for await (const record of listRecords(this.#api, this.#bucket, options)) {
      yield headOf(record);
    }
  }

  async countRecords(scope: WatchScope): Promise<number> {
    for (const prefix of prefixesOf(scope)) checkPrefix(prefix);
    return await countRecords(this.#api, this.#bucket, scope);
  }

  async recordAt(position: WatchCursor): Promise<KvRecordHead | undefined> {
    const sequence = Number(position.toU64() ?? 0n);
    if (sequence === 0) return undefined;
    const stored = await this.#api.messageAt(streamOf(this.#bucket), sequence);
    const prefix = subjectPrefixOf(this.#bucket);
    return stored && headOf(this.#recordOf(stored.subject.slice(prefix.length), stored));
  }

  async *#live(prefix: string, headersOnly: boolean): AsyncGenerator<KvRecord, void> {
    checkPrefix(prefix);
    const scope: WatchScope = { kind: "prefix", prefix };
    const options = { scope, headersOnly, ...this.#options };
    for await (const record of listRecords(this.#api, this.#bucket, options)) {
      if (record.kind === "put") yield record;
    }
  }

  #recordOf(key: string, stored: StoredMessage): KvRecord {
    const found = kindOf(stored.hdrs === undefined ? undefined : storedHeaders(stored.hdrs));
    const data = stored.data ?? "";
    const isTombstone = data === "" && this.#options.emptyValueIsDelete;
    const kind = found === "put" && isTombstone ? "delete" : found;
    return {
      kind,
      key,
      value: kind === "put" ? new Uint8Array(Buffer.from(data, "base64")) : new Uint8Array(0),
      version: VersionToken.fromU64(stored.seq),
      timeMs: Date.parse(stored.time),
    };
  }
}

function headOf({ kind, key, version, timeMs, ttlMs }: KvRecord): KvRecordHead {
  return {
    kind,
    key,
    version,
    ...(timeMs === undefined ? {} : { timeMs }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
  };
}

function entryOf({ key, value, version, timeMs }: KvRecord): KvEntry {
  return { key, value, version, ...(timeMs === undefined ? {} : { timeMs }) };
}

/** Keys can be read that cannot be written (see {@link checkKey}), but none that stands for several. */
function checkReadable(key: string): void {
  if (key === "" || key.endsWith(".")) checkKey(key);
  checkPrefix(key);
}
