import type { Batch, Dataset } from "../data.js";
import { CHECKPOINT_RECORDS } from "../data.js";
import { WatchCursor } from "../../src/values/index.js";

export const UPDATES_PER_SECOND = 20_000;
/** Batches that are late are made up for, up to this many in one turn of the event loop. */
const BATCHES_A_TURN = 4;

export interface Fed {
  readonly updates: number;
  /** The longest that one batch took to be acknowledged. */
  readonly longestMs: number;
  /** Key number and revision of the last write to each key written. */
  readonly last: ReadonlyMap<number, number>;
}

/** The key numbers that {@link feed} writes, made before anything is timed: that alone takes long enough to be seen as a hold. */
export function keysToFeed(data: Dataset): Uint32Array {
  return data.sample(1_000_000, 31);
}

export interface Feed {
  readonly data: Dataset;
  readonly indexes: Uint32Array;
  readonly firstRevision: number;
  readonly apply: (batch: Batch) => void | Promise<void>;
}

/** Writes updates of these keys at a steady rate, one batch at a time, until the function returned is called. */
export function feed({ data, indexes, firstRevision, apply }: Feed): () => Promise<Fed> {
  const last = new Map<number, number>();
  const startedAt = performance.now();
  let written = 0;
  let longestMs = 0;
  const stopping = new AbortController();
  const next = (): Batch => {
    const updates = Array.from({ length: CHECKPOINT_RECORDS }, (_, offset) => {
      const index = indexes[(written + offset) % indexes.length] as number;
      const revision = firstRevision + written + offset;
      last.set(index, revision);
      return data.put(index, revision);
    });
    written += updates.length;
    return { updates, cursor: WatchCursor.fromU64(firstRevision + written - 1) };
  };
  const run = async (): Promise<Fed> => {
    while (!stopping.signal.aborted) {
      for (let turn = 0; turn < BATCHES_A_TURN && isDue(startedAt, written); turn += 1) {
        const batch = next();
        const sentAt = performance.now();
        await apply(batch);
        longestMs = Math.max(longestMs, performance.now() - sentAt);
      }
      await new Promise((resolve) => {
        setTimeout(resolve, 1);
      });
    }
    return { updates: written, longestMs, last };
  };
  const running = run();
  return () => {
    stopping.abort();
    return running;
  };
}

function isDue(startedAt: number, written: number): boolean {
  return ((performance.now() - startedAt) * UPDATES_PER_SECOND) / 1000 >= written;
}
