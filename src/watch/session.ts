import type { WatchBatch } from "../kv/index.js";
import { type Clock, momentOf, nextTurn } from "../platform/index.js";
import { type Evictions, outlives } from "../rules/index.js";
import type { KvUpdate } from "../values/index.js";
import { Batcher } from "./batcher.js";
import type { Stage } from "./follow-stage.js";
import type { Lane } from "./lane.js";
import type { WatchLimits } from "./limits.js";
import { orAbort } from "./or-abort.js";
import { UpdateQueue } from "./update-queue.js";

/** A loop of settled promises would hold the event loop for as long as a state-sync takes. */
const LONGEST_TURN_MS = 8;

export interface SessionOptions<U> {
  readonly stage: Stage<U>;
  readonly lane: Lane;
  readonly evictions: Evictions;
  /**
   * Called for each of {@link WatchBatch.doubts}. What it returns is called once all that came before the doubt has been flushed, or
   * never will be.
   */
  readonly onDoubt: () => () => void;
  /** Called for each of {@link WatchBatch.rebuilds}: what came and went before it left no word. */
  readonly onRebuild: () => void;
  readonly parse: (update: KvUpdate) => U | undefined;
  readonly limits: WatchLimits;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** How the flow ended: by itself or by what it threw. Everything that it delivered before has been flushed. */
export type FlowEnd =
  { readonly kind: "ended" } | { readonly kind: "failed"; readonly error: unknown };

/**
 * Pumps one flow of batches through a bounded queue into the flusher until it ends. After an abort the open batch is flushed,
 * what is queued is dropped (it will be delivered again) and the flow is left for its owner to close. Throws only
 * what `parse` or `apply` threw.
 */
export async function runSession<U>(
  flow: AsyncIterable<WatchBatch>,
  options: SessionOptions<U>,
): Promise<FlowEnd> {
  const { stage, lane, parse, limits, clock, signal } = options;
  const queue = new UpdateQueue(limits.queueCapacity, limits.maxQueuedBytes);
  const batcher = new Batcher(queue, parse, limits, clock);
  const onAbort = (): void => queue.stop();
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) queue.stop();
  const doubts = new Doubts(options.onDoubt);
  const pumped = pump(flow, queue, doubts, options);
  try {
    let turnBegan = clock.now();
    for (;;) {
      const batch = await batcher.next();
      if (batch === undefined) break;
      await lane.run(() => stage.flush(batch));
      doubts.flushed(batch.doubts);
      if (clock.now() - turnBegan >= LONGEST_TURN_MS) {
        await nextTurn();
        turnBegan = clock.now();
      }
    }
    return await pumped;
  } finally {
    queue.stop();
    doubts.flushed(Infinity);
    signal.removeEventListener("abort", onAbort);
  }
}

/** The doubts that a flow tells, until they are flushed. */
class Doubts {
  readonly #onDoubt: () => () => void;
  #told = 0;
  #open: { readonly count: number; readonly close: () => void }[] = [];

  constructor(onDoubt: () => () => void) {
    this.#onDoubt = onDoubt;
  }

  /** The flow has told of so many. */
  told(count: number): void {
    if (count > this.#told) this.#open.push({ count, close: this.#onDoubt() });
    this.#told = count;
  }

  /** So many of them have been flushed. */
  flushed(count: number): void {
    for (const each of this.#open) if (each.count <= count) each.close();
    this.#open = this.#open.filter((each) => each.count > count);
  }
}

async function pump<U>(
  flow: AsyncIterable<WatchBatch>,
  queue: UpdateQueue,
  doubts: Doubts,
  { evictions, onRebuild, clock, signal }: SessionOptions<U>,
): Promise<FlowEnd> {
  let rebuilds = 0;
  try {
    const iterator = flow[Symbol.asyncIterator]();
    while (await queue.room()) {
      const next = await orAbort(iterator.next(), signal);
      if (next.done === true) break;
      const takenAt = momentOf(clock, next.value.heardAtMs);
      queue.push(withoutExpiries(next.value, evictions), takenAt);
      doubts.told(next.value.doubts ?? 0);
      if ((next.value.rebuilds ?? 0) > rebuilds) onRebuild();
      rebuilds = next.value.rebuilds ?? 0;
    }
    return { kind: "ended" };
  } catch (error) {
    return { kind: "failed", error };
  } finally {
    queue.end();
  }
}

/** Without the removals that the copy does not follow. The batch's own position covers them. */
function withoutExpiries(batch: WatchBatch, evictions: Evictions): WatchBatch {
  const isDropped = (update: KvUpdate): boolean =>
    update.kind !== "put" && outlives(update, evictions);
  if (!batch.updates.some(isDropped)) return batch;
  return { ...batch, updates: batch.updates.filter((update) => !isDropped(update)) };
}
