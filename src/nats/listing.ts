import type { Msg } from "@nats-io/nats-core";
import { MillpondError } from "../errors/index.js";
import { inScope, type KvRecord, type WatchScope } from "../kv/index.js";
import { VersionToken } from "../values/index.js";
import type { JetStreamApi } from "./api.js";
import { headersOf, meaningOf, ttlMsOf, type Delivery } from "./message.js";
import { PullConsumer, type ConsumerHandler } from "./pull-consumer.js";
import { filtersAreExact, filtersOf, streamOf, subjectPrefixOf } from "./subjects.js";

export interface ListingOptions {
  readonly scope: WatchScope;
  /** Leaves the values out: records come with empty ones. */
  readonly headersOnly: boolean;
  readonly emptyValueIsDelete: boolean;
  /** Whether a record's `Nats-TTL` counts in this stream. */
  readonly hasTtl: boolean;
}

export interface ListedRecord extends KvRecord {
  readonly timeNs: bigint;
}

/**
 * The last record of every key with the prefix, removals included, by one consumer that is deleted at the end. At most one
 * and a half pulls of records wait in memory.
 */
export async function* listRecords(
  api: JetStreamApi,
  bucket: string,
  options: ListingOptions,
): AsyncGenerator<ListedRecord, void> {
  const { scope } = options;
  if (filtersOf(bucket, scope).length === 0) return;
  const arrivals = new Arrivals(bucket, options);
  const consumer = await PullConsumer.create(
    api,
    {
      stream: streamOf(bucket),
      filters: filtersOf(bucket, scope),
      start: "last-per-key",
      headersOnly: options.headersOnly,
    },
    arrivals,
  );
  try {
    let complete = consumer.info.num_pending === 0;
    while (!complete) {
      consumer.pull();
      const taken = await arrivals.take();
      for (const record of taken.records) {
        if (inScope(scope, record.key)) yield record;
      }
      complete = taken.complete;
    }
  } finally {
    await consumer.close();
  }
}

/**
 * How many keys that is, at one moment: what a consumer of all of them has before it is asked for any. With filters that let
 * through more than the scope there is no way but to list; a key that changes meanwhile is then counted at most twice.
 */
export async function countRecords(
  api: JetStreamApi,
  bucket: string,
  scope: WatchScope,
): Promise<number> {
  const stream = streamOf(bucket);
  const filters = filtersOf(bucket, scope);
  if (filters.length === 0) return 0;
  if (!filtersAreExact(scope)) return await countListed(api, bucket, scope);
  const start = "last-per-key" as const;
  const spec = { stream, filters, start, headersOnly: true };
  const consumer = await PullConsumer.create(api, spec, ignoring);
  await consumer.close();
  return consumer.info.num_pending;
}

async function countListed(api: JetStreamApi, bucket: string, scope: WatchScope): Promise<number> {
  const { state } = await api.streamInfo(streamOf(bucket));
  const end = VersionToken.fromU64(state.last_seq).toHex();
  const options = { scope, headersOnly: true, emptyValueIsDelete: false, hasTtl: false };
  let count = 0;
  // Up to the end as it was each key comes once; only those that were written since need remembering.
  const written = new Set<string>();
  for await (const { key, version } of listRecords(api, bucket, options)) {
    if (version.toHex() > end) written.add(key);
    else count += 1;
  }
  return count + written.size;
}

const ignoring: ConsumerHandler = {
  message: () => undefined,
  bookmark: () => undefined,
  pullEnded: () => undefined,
  lost: () => undefined,
};

/** What has arrived and not been taken yet. */
class Arrivals implements ConsumerHandler {
  readonly #prefix: string;
  readonly #options: ListingOptions;
  #records: ListedRecord[] = [];
  #complete = false;
  #pullEnded = false;
  #failure: MillpondError | undefined;
  #wake: (() => void) | undefined;

  constructor(bucket: string, options: ListingOptions) {
    this.#prefix = subjectPrefixOf(bucket);
    this.#options = options;
  }

  /** Resolves with at least one record, or with none once a pull has ended or all is there. */
  async take(): Promise<{ readonly records: ListedRecord[]; readonly complete: boolean }> {
    while (this.#records.length === 0 && !this.#complete && !this.#pullEnded) {
      if (this.#failure !== undefined) throw cutShort(this.#failure);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const records = this.#records;
    this.#records = [];
    this.#pullEnded = false;
    return { records, complete: this.#complete };
  }

  message(message: Msg, delivery: Delivery): void {
    const header = headersOf(message);
    const { headersOnly, emptyValueIsDelete, hasTtl } = this.#options;
    const size = headersOnly ? Number(header?.("Nats-Msg-Size")) : message.data.length;
    const { kind, reason } = meaningOf(header, size, emptyValueIsDelete);
    const ttlMs = hasTtl ? ttlMsOf(header) : undefined;
    this.#records.push({
      kind,
      ...(reason === undefined ? {} : { reason }),
      key: message.subject.slice(this.#prefix.length),
      // A copy: the client's bytes are a view of all that came in one read from the socket.
      value: kind === "put" ? new Uint8Array(message.data) : new Uint8Array(0),
      version: VersionToken.fromU64(delivery.streamSequence),
      timeMs: delivery.timeMs,
      timeNs: BigInt(delivery.timeNs),
      ...(ttlMs === undefined ? {} : { ttlMs }),
    });
    if (delivery.pending === 0) this.#complete = true;
    this.#wake?.();
  }

  bookmark(): void {
    this.#complete = true;
    this.#wake?.();
  }

  pullEnded(): void {
    this.#pullEnded = true;
    this.#wake?.();
  }

  lost(reason: MillpondError): void {
    this.#failure = reason;
    this.#wake?.();
  }
}

function cutShort(reason: MillpondError): MillpondError {
  const code = reason.code === "watch-error" ? "operation-failed" : reason.code;
  return new MillpondError(code, `the listing was cut short: ${reason.message}`, {
    cause: reason,
    hint: "List again: what came so far is not all.",
  });
}
