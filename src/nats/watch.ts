import type { MillpondError } from "../errors/index.js";
import {
  prefixesOf,
  type KvWatch,
  type WatchBatch,
  type WatchOptions,
  type WatchScope,
} from "../kv/index.js";
import { checkPrefix, type WatchCursor } from "../values/index.js";
import { unlessAborted } from "./abort.js";
import type { JetStreamApi } from "./api.js";
import { cursorExpired, notConnected } from "./errors.js";
import { Lookout } from "./lookout.js";
import { Mender, Waiter } from "./mender.js";
import { PullConsumer, type ConsumerSpec } from "./pull-consumer.js";
import { filtersAreSafe, requireServer } from "./server-version.js";
import { StreamGuard } from "./stream-guard.js";
import { filtersOf, streamOf } from "./subjects.js";
import { WatchArrivals, type Arrived } from "./watch-arrivals.js";
import { WatchProgress } from "./watch-progress.js";

export interface NatsWatchOptions extends WatchOptions {
  readonly emptyValueIsDelete: boolean;
}

/** Of the messages known last, so many are looked for until one is found that can be compared. */
const COMPARED = 4;

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
  readonly sweeps?: boolean;
  readonly emptyValueIsDelete: boolean;
  readonly signal?: AbortSignal;
}

/**
 * One watch: an ordered tail of a stream, pulled as its batches are read. While one batch is with the reader at most one and a
 * half pulls are out (1950 updates, 16 MiB), which is all that ever waits here.
 *
 * It holds one position, the frontier: everything in scope up to there has been delivered. A consumer that is lost, for
 * whatever reason, is replaced by one that starts after it.
 */
class NatsWatch implements KvWatch {
  readonly warning?: string;
  readonly #setup: WatchSetup;
  readonly #filters: readonly string[];
  readonly #iterator: AsyncGenerator<WatchBatch, void>;
  readonly #release: () => void;
  readonly #stop = new AbortController();
  readonly #waiter: Waiter;
  readonly #mender: Mender;
  readonly #progress: WatchProgress;
  readonly #lookout: Lookout;
  #consumer: PullConsumer | undefined;
  #arrivals: WatchArrivals;
  /** When the first consumer was lost of those lost since the server was last heard of. */
  #lostSince: number | undefined;
  #closed = false;

  constructor(setup: WatchSetup) {
    const { api, bucket, scope, guard, from, signal } = setup;
    const { link } = api;
    this.#setup = setup;
    this.#filters = filtersOf(bucket, scope);
    this.#waiter = new Waiter(link);
    const { wake } = this.#waiter;
    const isOpen = (): boolean => this.#isOpen();
    this.#mender = new Mender({ link, waiter: this.#waiter, isOpen, stop: this.#stop.signal });
    this.#progress = new WatchProgress(from === undefined ? undefined : Number(from), guard.head);
    this.#progress.saw(guard.newest);
    this.#arrivals = this.#newArrivals();
    const progress = this.#progress;
    const onLook = (): void => this.#onLook();
    this.#lookout = new Lookout({ link, guard, progress, onLook, onFailure: wake });
    const onAbort = (): void => {
      void this.#dispose();
      wake();
    };
    const unsubscribe = link.onChange(() => {
      if (link.state === "closed") this.#stop.abort();
      wake();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#release = () => {
      unsubscribe();
      this.#lookout.end();
      signal?.removeEventListener("abort", onAbort);
    };
    this.#iterator = this.#batches();
    const warning = warningFor(link.server.version, this.#filters);
    if (warning !== undefined) this.warning = warning;
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
    this.#waiter.wake();
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
          if (this.#arrivals.lostBecause === undefined) await this.#waiter.wait();
        }
      }
    } finally {
      await this.close();
    }
  }

  /** False once closed. Throws the signal's reason, what the lookout saw, and `not-connected` once the connection is closed. */
  #isOpen(): boolean {
    if (this.#closed) return false;
    this.#setup.signal?.throwIfAborted();
    if (this.#lookout.failure !== undefined) throw this.#lookout.failure;
    if (this.#setup.api.link.state === "closed") throw notConnected("closed");
    return true;
  }

  /**
   * Makes sure, where sequences are missing, that none was dropped under us; before the batch is given out, and once for the
   * batch. During a state-sync that is needed only where it passes what there was at its beginning, or says that it is
   * complete. Whoever drops keys by the floor needs only a new look. False where the watch was closed meanwhile.
   */
  async #verify(arrived: Arrived): Promise<boolean> {
    const { sweeps = false, guard, api } = this.#setup;
    if (sweeps) {
      if (arrived.gap) this.#lookout.soon();
      return true;
    }
    const { frontier, reference, limit, caughtUp, isSyncing } = this.#progress;
    const synced = frontier >= reference;
    const completes = arrived.complete && !caughtUp;
    const suspect = synced ? arrived.gap : completes || arrived.through > reference;
    if (!suspect) return true;
    const whole = isSyncing || (synced && arrived.idle);
    return await this.#mender.persist(api.link.clock.now(), () =>
      guard.requireHarmless(limit, arrived.through, whole),
    );
  }

  #commit(arrived: Arrived): WatchBatch {
    const { link } = this.#setup.api;
    this.#mender.succeeded();
    const isLost = this.#arrivals.lostBecause !== undefined || link.state !== "up";
    return this.#progress.commit(arrived, this.#setup.guard, isLost);
  }

  /** Where there is nothing to consume, the looks are the heartbeats. */
  #onLook(): void {
    const { guard, api } = this.#setup;
    // Of a stream that is being followed: after an outage it may be another one.
    const isFollowed = this.#arrivals.lostBecause === undefined && api.link.state === "up";
    if (isFollowed) this.#progress.saw(guard.newest);
    if (this.#filters.length > 0) return;
    this.#arrivals.bookmark(guard.head, true, api.link.clock.now());
  }

  /** Replaces a lost consumer. Throws what cannot be mended by waiting, or was not in time. */
  async #recover(reason: MillpondError): Promise<void> {
    if (reason.code === "authorization") throw reason;
    const since = this.#arrivals.heard ? undefined : this.#lostSince;
    this.#lostSince = since ?? this.#setup.api.link.clock.now();
    this.#mender.failed();
    await this.#mender.pause();
    const replace = async (): Promise<void> => {
      const lost = this.#consumer;
      this.#consumer = undefined;
      // Not waited for: what cannot be deleted now is deleted later.
      void lost?.close();
      await this.#openConsumer(false);
    };
    await this.#mender.persist(this.#lostSince, replace, reason);
  }

  /** From the beginning of a state-sync, where nothing has been delivered; else after the frontier. */
  async #openConsumer(first: boolean): Promise<void> {
    const { api, bucket, guard, sweeps = false } = this.#setup;
    const progress = this.#progress;
    const restart = progress.isUnbegun;
    if (!first) await this.#requireStream(restart);
    if (restart) progress.beginAt(guard.head);
    const arrivals = this.#newArrivals();
    // What the server answers is true of a moment after this one.
    const askedAt = api.link.clock.now();
    if (this.#filters.length === 0) {
      arrivals.answered(0, false, askedAt);
      this.#arrivals = arrivals;
      return;
    }
    const asked = progress.frontier + 1;
    const start: ConsumerSpec["start"] = restart ? "last-per-key" : { sequence: asked };
    const spec = { stream: streamOf(bucket), filters: this.#filters, start };
    const consumer = await PullConsumer.create(api, spec, arrivals);
    const actual = consumer.info.delivered.stream_seq + 1;
    let isSame = true;
    try {
      // The server starts later than asked where that sequence is gone, and says so nowhere else (2.10, 2.15).
      const latest = sweeps && !first ? Infinity : Math.max(asked, progress.limit + 1);
      if (!restart && (actual < asked || actual > latest)) {
        throw cursorExpired(`bucket ${bucket} starts at ${actual}, not at ${asked}`);
      }
      if (!first) {
        // Again, now that there is a consumer: one of another stream would deliver as well.
        await guard.look(progress.frontier);
        isSame = await guard.requireSame(progress.known.slice(0, COMPARED), progress.frontier);
      }
      // The last records are those at the consumer's making: what was dropped before then does not matter.
      if (restart && guard.evicts && !sweeps) {
        await guard.look(0);
        progress.beginAt(guard.head);
      }
      if (!this.#isOpen()) throw notConnected("closed");
    } catch (error) {
      void consumer.close();
      throw error;
    }
    if (!first) progress.rebuilt(isSame);
    arrivals.answered(consumer.info.num_pending, !first, askedAt);
    this.#arrivals = arrivals;
    this.#consumer = consumer;
  }

  /** Before a lost consumer is replaced: throws `cursor-expired` where what came since cannot all be had any more. */
  async #requireStream(restart: boolean): Promise<void> {
    const { guard, sweeps = false } = this.#setup;
    const { limit, frontier } = this.#progress;
    if (sweeps) await guard.look(frontier);
    else await guard.requireHarmless(limit, frontier, restart);
  }

  #newArrivals(): WatchArrivals {
    const { api, bucket, scope, guard, emptyValueIsDelete } = this.#setup;
    return new WatchArrivals({
      bucket,
      scope,
      emptyValueIsDelete,
      frontier: this.#progress.frontier,
      head: guard.headOfConsumers,
      hasTtl: guard.hasTtl,
      clock: api.link.clock,
      wake: this.#waiter.wake,
    });
  }

  async #dispose(): Promise<void> {
    this.#stop.abort();
    this.#release();
    const consumer = this.#consumer;
    this.#consumer = undefined;
    await consumer?.close();
  }
}

function warningFor(version: string, filters: readonly string[]): string | undefined {
  if (filters.length < 2 || version === "" || filtersAreSafe(requireServer(version))) return;
  return `server ${version} can skip updates of a watch of several prefixes while a purge removes all keys of one of them: upgrade it to 2.11, or watch one prefix`;
}
