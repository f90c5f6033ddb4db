import type { Msg } from "@nats-io/nats-core";
import type { MillpondError } from "../errors/index.js";
import { inScope, type WatchScope } from "../kv/index.js";
import { type Clock, momentOf } from "../platform/index.js";
import { VersionToken, type KvUpdate } from "../values/index.js";
import { headersOf, meaningOf, ttlMsOf, type Delivery } from "./message.js";
import type { ConsumerHandler } from "./pull-consumer.js";
import type { Delivered } from "./stream-guard.js";
import { filtersAreExact, subjectPrefixOf } from "./subjects.js";
import { ValueCopies } from "./value-copies.js";

/** What has arrived since the last taking. */
export interface Arrived {
  readonly updates: readonly KvUpdate[];
  /** Everything in scope up to this sequence has arrived, now or earlier. */
  readonly through: number;
  /** Whether sequences between the last taking and `through` were not delivered. */
  readonly gap: boolean;
  /** Whether nothing but heartbeats came while a pull was waiting all the time. */
  readonly idle: boolean;
  readonly pending: number;
  /** Whether all there was when the watch began has arrived. */
  readonly complete: boolean;
  /** Nothing was pending at a moment when everything up to here had arrived; 0 where there was no such moment. */
  readonly level: number;
  /** When the consumer was last heard of what is here, by our clock as it is set at the taking. */
  readonly heardAtMs: number;
  /** The last message, where one has arrived of this consumer. */
  readonly last: Delivered | undefined;
}

export interface ArrivalOptions {
  readonly bucket: string;
  readonly scope: WatchScope;
  readonly emptyValueIsDelete: boolean;
  /** Everything in scope up to here has been delivered before. */
  readonly frontier: number;
  /** The stream's last sequence, known before the consumer was made. */
  readonly head: number;
  /** Whether a record's `Nats-TTL` counts in this stream. */
  readonly hasTtl: boolean;
  readonly clock: Clock;
  readonly wake: () => void;
}

/**
 * Decodes what a watch's consumer delivers, and keeps it until it is taken. Holds what one pull may bring, because the next
 * goes out only when everything was taken.
 */
export class WatchArrivals implements ConsumerHandler {
  readonly #options: ArrivalOptions;
  readonly #prefixLength: number;
  readonly #filters: boolean;
  readonly #copies = new ValueCopies();
  #updates: KvUpdate[] = [];
  #through: number;
  #gap = false;
  /** Whether messages came, or a heartbeat after a time without a pull. */
  #busy = false;
  #pending = 0;
  #complete = false;
  #level = 0;
  #last: Delivery | undefined;
  #news = false;
  #heard = false;
  #heardAtMs = 0;
  /** When the first of what is here was heard: one look at the clocks for all of it. */
  #since: { readonly ms: number; readonly moment: () => number } | undefined;
  #lost: MillpondError | undefined;

  constructor(options: ArrivalOptions) {
    this.#options = options;
    this.#prefixLength = subjectPrefixOf(options.bucket).length;
    this.#filters = !filtersAreExact(options.scope);
    this.#through = options.frontier;
  }

  /** Why nothing more will come. */
  get lostBecause(): MillpondError | undefined {
    return this.#lost;
  }

  /** Whether the consumer has said anything but that it is lost. */
  get heard(): boolean {
    return this.#heard;
  }

  /** `undefined` where there is nothing new. */
  take(): Arrived | undefined {
    if (!this.#news) return undefined;
    const last = this.#last;
    const taken = {
      updates: this.#updates,
      through: this.#through,
      gap: this.#gap,
      idle: !this.#busy,
      pending: this.#pending,
      complete: this.#complete,
      level: this.#level,
      heardAtMs: this.#heardAtMs - this.#setBackMs(),
      last: last && { sequence: last.streamSequence, timeNs: last.timeNs },
    };
    this.#updates = [];
    this.#copies.endBatch();
    this.#gap = false;
    this.#busy = false;
    this.#news = false;
    this.#since = undefined;
    return taken;
  }

  message(message: Msg, delivery: Delivery, heardAtMs: number): void {
    const { streamSequence, pending } = delivery;
    const key = message.subject.slice(this.#prefixLength);
    const isWanted = !this.#filters || inScope(this.#options.scope, key);
    // First of all: what cannot be read has not arrived.
    const update = isWanted ? this.#updateOf(key, message, delivery) : undefined;
    this.#heard = true;
    this.#heardAt(heardAtMs);
    if (streamSequence !== this.#through + 1) this.#gap = true;
    this.#through = streamSequence;
    this.#news = true;
    this.#busy = true;
    this.#pending = pending;
    this.#last = delivery;
    if (update !== undefined) this.#updates.push(update);
    if (pending === 0) this.completed();
    this.#options.wake();
  }

  /** Is news also where nothing has moved: all is as it was, and that is known as of now. */
  bookmark(streamSequence: number, waiting: boolean, heardAtMs: number): void {
    this.#heard = true;
    this.#heardAt(heardAtMs);
    this.#pending = 0;
    if (streamSequence > this.#through) {
      this.#skip(streamSequence);
      if (!waiting) this.#busy = true;
    }
    this.completed();
    this.#news = true;
    this.#options.wake();
  }

  /** The server has made the consumer, with so much to deliver. */
  answered(pending: number, isNews: boolean, heardAtMs: number): void {
    this.#heardAt(heardAtMs);
    this.#pending = pending;
    if (pending === 0) this.completed();
    if (isNews) this.#news = true;
  }

  pullEnded(): void {
    this.#heard = true;
    this.#options.wake();
  }

  lost(reason: MillpondError): void {
    this.#lost = reason;
    this.#options.wake();
  }

  /** Nothing more is pending: so everything up to the stream's end as it was before the consumer has arrived. */
  completed(): void {
    if (!this.#complete) {
      this.#complete = true;
      this.#news = true;
      if (this.#options.head > this.#through) this.#skip(this.#options.head);
    }
    this.#level = this.#through;
  }

  #heardAt(ms: number): void {
    this.#heardAtMs = ms;
    this.#since ??= { ms, moment: momentOf(this.#options.clock, ms) };
  }

  /** By how much the clock was set back since the first of what is here, be it before the last. */
  #setBackMs(): number {
    return this.#since === undefined ? 0 : this.#since.ms - this.#since.moment();
  }

  /** Nothing of what lies in between was delivered, not even where that is a single record. */
  #skip(streamSequence: number): void {
    this.#gap = true;
    this.#through = streamSequence;
  }

  #updateOf(key: string, message: Msg, { streamSequence, timeMs }: Delivery): KvUpdate {
    const version = VersionToken.fromU64(streamSequence);
    const { data } = message;
    const header = headersOf(message);
    if (header === undefined && data.length > 0) {
      return { kind: "put", key, value: this.#copies.copyOf(data), version, timeMs };
    }
    const { emptyValueIsDelete, hasTtl } = this.#options;
    const { kind, reason } = meaningOf(header, data.length, emptyValueIsDelete);
    const ttlMs = hasTtl ? ttlMsOf(header) : undefined;
    const times = ttlMs === undefined ? { timeMs } : { timeMs, ttlMs };
    return kind === "put"
      ? { kind, key, value: this.#copies.copyOf(data), version, ...times }
      : { kind, key, version, reason, ...times };
  }
}
