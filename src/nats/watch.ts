import type { MillpondError } from "../errors/index.js";
import {
  prefixesOf,
  type KvWatch,
  type WatchBatch,
  type WatchOptions,
  type WatchScope,
} from "../kv/index.js";
import { sleep } from "../platform/index.js";
import { backoffDelay } from "../rules/index.js";
import { checkPrefix, WatchCursor } from "../values/index.js";
import { inTime, unlessAborted } from "./abort.js";
import type { JetStreamApi } from "./api.js";
import { cursorExpired, isTransient, notConnected } from "./errors.js";
import { PullConsumer } from "./pull-consumer.js";
import { StreamGuard } from "./stream-guard.js";
import { filtersOf, streamOf } from "./subjects.js";
import { WatchArrivals, type Arrived } from "./watch-arrivals.js";

export interface NatsWatchOptions extends WatchOptions {
  readonly emptyValueIsDelete: boolean;
}

/** Between attempts to get a lost consumer back. */
const RETRY_LIMITS = { minMs: 50, maxMs: 1_000 };
/** What a watch cannot mend in this time it throws: whoever holds a copy must be able to say that it is not followed. */
const MEND_MS = 5_000;

/**
 * Sets up a watch of a bucket. Throws `cursor-expired`, `bucket-not-found`, `invalid-key` and what a request can throw; it is
 * not retried here. A watch that was once set up mends a lost consumer or connection for 5 s, and then throws the last
 * failure; what it has delivered by then stays true, and another watch can go on after it.
 */
export async function openWatch(
  api: JetStreamApi,
  bucket: string,
  scope: WatchScope,
  options: NatsWatchOptions,
): Promise<KvWatch> {
  options.signal?.throwIfAborted();
  for (const prefix of prefixesOf(scope)) checkPrefix(prefix);
  const opening = begin(api, bucket, scope, options);
  return await unlessAborted(opening, options.signal, (late) => late.close());
}

async function begin(
  api: JetStreamApi,
  bucket: string,
  scope: WatchScope,
  options: NatsWatchOptions,
): Promise<NatsWatch> {
  const from = positionOf(bucket, options.from);
  const guard = await StreamGuard.begin(api, bucket, from);
  const watch = new NatsWatch({ ...options, api, bucket, scope, guard, from });
  await watch.start();
  return watch;
}

function positionOf(bucket: string, from: WatchCursor | undefined): bigint | undefined {
  if (from === undefined || from.isNone) return undefined;
  const position = from.toU64();
  if (position !== undefined) return position;
  throw cursorExpired(`${from.toHex()} is not a position in bucket ${bucket}`);
}

interface WatchSetup {
  readonly api: JetStreamApi;
  readonly bucket: string;
  readonly scope: WatchScope;
  readonly guard: StreamGuard;
  /** Deliver what came after this sequence; left out, the current state first. */
  readonly from: bigint | undefined;
  readonly emptyValueIsDelete: boolean;
  readonly signal?: AbortSignal;
}

/**
 * One watch: an ordered tail of a stream, pulled as its batches are read. While one batch is with the reader at most one pull
 * is out (1000 updates or 16 MiB), which is all that ever waits here.
 *
 * It holds one position, the frontier: everything in scope up to there has been delivered. A consumer that is lost, for
 * whatever reason, is replaced by one that starts after it.
 */
class NatsWatch implements KvWatch {
  readonly #setup: WatchSetup;
  readonly #filters: readonly string[];
  readonly #iterator: AsyncGenerator<WatchBatch, void>;
  readonly #release: () => void;
  readonly #stop = new AbortController();
  #frontier: number;
  /**
   * What may have been dropped up to here does not matter: of the records that were there when a state-sync began, one that
   * is gone says that its key is gone.
   */
  #reference: number;
  #delivered = false;
  #caughtUp = false;
  #consumer: PullConsumer | undefined;
  #arrivals: WatchArrivals;
  /** Consumers lost in a row without anything delivered between. */
  #failures = 0;
  /** When the first consumer was lost of those lost since the server was last heard of. */
  #lostSince: number | undefined;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(setup: WatchSetup) {
    const { api, bucket, scope, guard, from, signal } = setup;
    this.#setup = setup;
    this.#filters = filtersOf(bucket, scope);
    this.#frontier = Number(from ?? 0);
    this.#reference = from === undefined ? guard.head : this.#frontier;
    this.#arrivals = this.#newArrivals();
    const onAbort = (): void => {
      void this.#dispose();
      this.#wake?.();
    };
    const unsubscribe = api.link.onChange(() => {
      if (api.link.state === "closed") this.#stop.abort();
      this.#wake?.();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#release = () => {
      unsubscribe();
      signal?.removeEventListener("abort", onAbort);
    };
    this.#iterator = this.#batches();
  }

  /** Until a state-sync is complete. It must always come to an end, also in a bucket whose keys are written again all the time. */
  get #syncing(): boolean {
    return this.#setup.from === undefined && !this.#caughtUp;
  }

  /** Makes the first consumer. */
  async start(): Promise<void> {
    try {
      await this.#openConsumer(true);
    } catch (error) {
      this.#release();
      throw error;
    }
  }

  /** There is one flow of batches: iterating again goes on where the last one was. */
  [Symbol.asyncIterator](): AsyncIterator<WatchBatch> {
    return this.#iterator;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#wake?.();
    await this.#dispose();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async *#batches(): AsyncGenerator<WatchBatch, void> {
    try {
      while (this.#isOpen()) {
        const arrived = this.#arrivals.take();
        if (arrived !== undefined) {
          this.#consumer?.pull();
          if (await this.#verify(arrived)) yield this.#commit(arrived);
        } else if (this.#arrivals.lostBecause !== undefined) {
          await this.#recover(this.#arrivals.lostBecause);
        } else {
          this.#consumer?.pull();
          if (this.#arrivals.lostBecause === undefined) await this.#change();
        }
      }
    } finally {
      await this.close();
    }
  }

  /** False once closed. Throws the signal's reason, and `not-connected` once the connection is closed. */
  #isOpen(): boolean {
    if (this.#closed) return false;
    this.#setup.signal?.throwIfAborted();
    if (this.#setup.api.link.state === "closed") throw notConnected("closed");
    return true;
  }

  /**
   * Makes sure, where sequences are missing, that none was dropped under us; before the batch is given out, and once for the
   * batch. During a state-sync that is needed only where it passes what there was at its beginning, or says that it is
   * complete. False where the watch was closed meanwhile.
   */
  async #verify(arrived: Arrived): Promise<boolean> {
    const synced = this.#frontier >= this.#reference;
    const completes = arrived.complete && !this.#caughtUp;
    const suspect = synced ? arrived.gap : completes || arrived.through > this.#reference;
    if (!suspect) return true;
    const { guard } = this.#setup;
    const frontier = Math.max(this.#frontier, this.#reference);
    const whole = this.#syncing || (synced && arrived.idle);
    const began = this.#setup.api.link.clock.now();
    return await this.#persist(began, () =>
      guard.requireHarmless(frontier, arrived.through, whole),
    );
  }

  #commit({ updates, through, pending, complete }: Arrived): WatchBatch {
    this.#frontier = through;
    this.#delivered = true;
    this.#failures = 0;
    if (complete) this.#caughtUp = true;
    return { updates, cursor: WatchCursor.fromU64(through), pending, caughtUp: this.#caughtUp };
  }

  /** Replaces a lost consumer. Throws what cannot be mended by waiting, or was not in time. */
  async #recover(reason: MillpondError): Promise<void> {
    if (reason.code === "authorization") throw reason;
    const since = this.#arrivals.heard ? undefined : this.#lostSince;
    this.#lostSince = since ?? this.#setup.api.link.clock.now();
    this.#failures += 1;
    await this.#pause();
    const replace = async (): Promise<void> => {
      const lost = this.#consumer;
      this.#consumer = undefined;
      // Not waited for: the server removes it by itself if we cannot.
      void lost?.close();
      await this.#openConsumer(false);
    };
    await this.#persist(this.#lostSince, replace, reason);
  }

  /**
   * Tries until it succeeds; false where the watch was closed meanwhile. Throws the last failure once {@link MEND_MS} have
   * passed since the trouble began.
   */
  async #persist(
    since: number,
    attempt: () => Promise<void>,
    reason?: MillpondError,
  ): Promise<boolean> {
    const { clock } = this.#setup.api.link;
    let failure: unknown = reason;
    while (this.#isOpen()) {
      const leftMs = since + MEND_MS - clock.now();
      if (leftMs <= 0 && failure !== undefined) throw failure;
      if (this.#setup.api.link.state === "down") {
        failure = notConnected("down");
        await this.#change(leftMs);
        continue;
      }
      try {
        await inTime(clock, leftMs, "follow the bucket", attempt());
        return this.#isOpen();
      } catch (error) {
        if (!isTransient(error)) throw error;
        failure = error;
        this.#failures += 1;
        await this.#pause();
      }
    }
    return false;
  }

  /** From the beginning of a state-sync, where nothing has been delivered; else after the frontier. */
  async #openConsumer(first: boolean): Promise<void> {
    const { api, bucket, guard, from } = this.#setup;
    const limit = Math.max(this.#frontier, this.#reference);
    const restart = from === undefined && !this.#delivered;
    if (!first) await guard.requireHarmless(limit, this.#frontier, restart);
    if (restart) this.#reference = guard.head;
    const arrivals = this.#newArrivals();
    if (this.#filters.length === 0) {
      arrivals.completed();
      this.#arrivals = arrivals;
      return;
    }
    const asked = this.#frontier + 1;
    const start = restart ? "last-per-key" : { sequence: asked };
    const spec = { stream: streamOf(bucket), filters: this.#filters, start } as const;
    const consumer = await PullConsumer.create(api, spec, arrivals);
    const actual = consumer.info.delivered.stream_seq + 1;
    try {
      // The server starts later than asked where that sequence is gone, and says so nowhere else (2.10, 2.15).
      if (!restart && (actual < asked || actual > Math.max(asked, limit + 1))) {
        throw cursorExpired(`bucket ${bucket} starts at ${actual}, not at ${asked}`);
      }
      // The last records are those at the consumer's making: what was dropped before then does not matter.
      if (restart && guard.evicts) this.#reference = (await guard.look(0)).state.last_seq;
      if (!this.#isOpen()) throw notConnected("closed");
    } catch (error) {
      void consumer.close();
      throw error;
    }
    if (consumer.info.num_pending === 0) arrivals.completed();
    this.#arrivals = arrivals;
    this.#consumer = consumer;
  }

  #newArrivals(): WatchArrivals {
    const { bucket, scope, guard, emptyValueIsDelete } = this.#setup;
    return new WatchArrivals({
      bucket,
      scope,
      emptyValueIsDelete,
      frontier: this.#frontier,
      head: guard.head,
      hasTtl: guard.hasTtl,
      wake: () => this.#wake?.(),
    });
  }

  /** Resolves when something has happened: an arrival, a change of the connection, the end; or nothing for `limitMs`. */
  #change(limitMs?: number): Promise<void> {
    const { clock } = this.#setup.api.link;
    return new Promise((resolve) => {
      const cancel =
        limitMs === undefined ? undefined : clock.schedule(limitMs, () => this.#wake?.());
      this.#wake = () => {
        this.#wake = undefined;
        cancel?.();
        resolve();
      };
    });
  }

  /** Ends early with the watch. */
  async #pause(): Promise<void> {
    const { clock, random } = this.#setup.api.link;
    const delayMs = backoffDelay(RETRY_LIMITS, this.#failures, random());
    await sleep(clock, delayMs, this.#stop.signal).catch(() => {});
  }

  async #dispose(): Promise<void> {
    this.#stop.abort();
    this.#release();
    const consumer = this.#consumer;
    this.#consumer = undefined;
    await consumer?.close();
  }
}
