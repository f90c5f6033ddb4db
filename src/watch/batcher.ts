import type { WatchBatch } from "../kv/index.js";
import type { Clock } from "../platform/index.js";
import type { KvUpdate, WatchCursor } from "../values/index.js";
import type { WatchLimits } from "./limits.js";
import { nowhere, type Position } from "./position.js";
import { sizeOf, type UpdateQueue, type UpdateSink } from "./update-queue.js";

/** Updates, and beside each what `parse` made of it; `undefined`: it was turned down. */
export interface Changes<U> {
  /** In order: what the store gets. */
  readonly raw: readonly KvUpdate[];
  /** As many as `raw` has. */
  readonly outcomes: readonly (U | undefined)[];
}

/** What one flush takes. */
export interface FlushBatch<U> extends Changes<U> {
  /** The source's position after the last of its batches that this one completed; none where it completed none. */
  readonly bookmark: Position;
  /** The last that the source told with the batches that this one completed. */
  readonly floor: WatchCursor | undefined;
  readonly head: WatchCursor | undefined;
  /** When the source gave the last of those batches, by our clock as it is set when that is asked; `undefined` where it completed none. */
  readonly takenAt: (() => number) | undefined;
  /** What the last of them says of it; 0 where it completed none. */
  readonly rebuilds: number;
  /** The most {@link WatchBatch.doubts} of those batches. */
  readonly doubts: number;
  /** Updates known to come after this batch. */
  readonly pending: number;
  readonly caughtUp: boolean;
}

class OpenBatch<U> implements FlushBatch<U>, UpdateSink {
  readonly #parse: (update: KvUpdate) => U | undefined;
  readonly #limits: WatchLimits;
  readonly raw: KvUpdate[] = [];
  readonly outcomes: (U | undefined)[] = [];
  #parsed = 0;
  #bytes = 0;
  bookmark: Position = nowhere;
  floor: WatchCursor | undefined;
  head: WatchCursor | undefined;
  takenAt: (() => number) | undefined;
  rebuilds = 0;
  doubts = 0;
  pending = 0;
  caughtUp = false;
  isUntouched = true;

  constructor(parse: (update: KvUpdate) => U | undefined, limits: WatchLimits) {
    this.#parse = parse;
    this.#limits = limits;
  }

  get isFull(): boolean {
    const { maxParsed, maxRaw, maxQueuedBytes } = this.#limits;
    return this.#parsed >= maxParsed || this.raw.length >= maxRaw || this.#bytes >= maxQueuedBytes;
  }

  add(update: KvUpdate): void {
    const outcome = this.#parse(update);
    this.raw.push(update);
    this.outcomes.push(outcome);
    if (outcome !== undefined) this.#parsed += 1;
    this.#bytes += sizeOf(update);
    this.isUntouched = false;
  }

  mark(batch: WatchBatch, takenAt: () => number): void {
    this.bookmark = { cursor: batch.cursor, timeNs: batch.cursorTimeNs ?? 0n };
    this.floor = batch.floor ?? this.floor;
    this.head = batch.head ?? this.head;
    this.doubts = Math.max(this.doubts, batch.doubts ?? 0);
    this.takenAt = takenAt;
    this.rebuilds = batch.rebuilds ?? 0;
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
