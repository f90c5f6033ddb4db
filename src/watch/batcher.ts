import type { WatchBatch } from "../kv/index.js";
import type { Clock } from "../platform/index.js";
import { type KvUpdate, WatchCursor } from "../values/index.js";
import type { WatchLimits } from "./limits.js";
import type { UpdateQueue, UpdateSink } from "./update-queue.js";

/** What one flush takes. */
export interface FlushBatch<U> {
  /** Every update, in order: what the store gets. */
  readonly raw: readonly KvUpdate[];
  /** What `parse` made of them: what `apply` gets. */
  readonly parsed: readonly U[];
  /** The source's position after the last of its batches that this one completed; none where it completed none. */
  readonly bookmark: WatchCursor;
  /** Updates known to come after this batch. */
  readonly pending: number;
  readonly caughtUp: boolean;
}

class OpenBatch<U> implements FlushBatch<U>, UpdateSink {
  readonly #parse: (update: KvUpdate) => U | undefined;
  readonly #limits: WatchLimits;
  readonly raw: KvUpdate[] = [];
  readonly parsed: U[] = [];
  bookmark = WatchCursor.none;
  pending = 0;
  caughtUp = false;
  isUntouched = true;

  constructor(parse: (update: KvUpdate) => U | undefined, limits: WatchLimits) {
    this.#parse = parse;
    this.#limits = limits;
  }

  get isFull(): boolean {
    return this.parsed.length >= this.#limits.maxParsed || this.raw.length >= this.#limits.maxRaw;
  }

  add(update: KvUpdate): void {
    const parsed = this.#parse(update);
    this.raw.push(update);
    if (parsed !== undefined) this.parsed.push(parsed);
    this.isUntouched = false;
  }

  mark(batch: WatchBatch): void {
    this.bookmark = batch.cursor;
    this.caughtUp ||= batch.caughtUp;
    this.isUntouched = false;
  }
}

/** Cuts what is queued into batches. */
export class Batcher<U> {
  readonly #queue: UpdateQueue;
  readonly #parse: (update: KvUpdate) => U | undefined;
  readonly #limits: WatchLimits;
  readonly #clock: Clock;

  constructor(
    queue: UpdateQueue,
    parse: (update: KvUpdate) => U | undefined,
    limits: WatchLimits,
    clock: Clock,
  ) {
    this.#queue = queue;
    this.#parse = parse;
    this.#limits = limits;
    this.#clock = clock;
  }

  /**
   * The next batch: closed when it is full, when its window has elapsed, or when the queue is over. The window is armed by
   * whatever comes first, also by an update that `parse` turns down (or it would wait for ever) and by a bookmark (so that
   * a stream of them is not a write each). `undefined` when the queue is over and nothing is left.
   */
  async next(): Promise<FlushBatch<U> | undefined> {
    const open = new OpenBatch(this.#parse, this.#limits);
    let elapsed = false;
    let disarm: (() => void) | undefined;
    try {
      for (;;) {
        this.#queue.drainInto(open);
        if (open.isFull || elapsed || this.#queue.isOver) break;
        if (!open.isUntouched) {
          disarm ??= this.#clock.schedule(this.#limits.windowMs, () => {
            elapsed = true;
            this.#queue.wake();
          });
        }
        await this.#queue.changed();
      }
    } finally {
      disarm?.();
    }
    open.pending = this.#queue.pending;
    return open.isUntouched ? undefined : open;
  }
}
