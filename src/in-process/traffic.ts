import { sleep, systemClock, systemRandom, type Clock, type Random } from "../platform/index.js";
import { isMillpondError } from "../errors/index.js";
import type { KvStore } from "../kv/index.js";
import { demoKey, demoValue } from "./demo-data.js";

const DEFAULT_UPDATES_PER_SECOND = 200;
const DEFAULT_KEYS = 2000;
const TICK_MS = 50;
/** Writes of one tick at the most: after a pause the writers do not make up for all of it at once. */
const MAX_A_TICK = 1000;
const MAX_ABSENCE_UPDATES = 5000;
/** Keys that are written once and then left alone, so that the bucket's first sequence stands and a cursor stays good. */
const SETTLED_SHARE = 0.1;
const DELETE_SHARE = 0.03;
const PURGE_SHARE = 0.01;

export interface TrafficOptions {
  /** Default 200. */
  readonly updatesPerSecond?: number;
  /** Different keys. Default 2000. */
  readonly keys?: number;
  /** Default: the system's. */
  readonly clock?: Clock;
  /** Default: `Math.random`. */
  readonly random?: Random;
}

/** Traffic that runs. */
export interface Traffic {
  /** Ends when it is stopped; rejects with what a write failed of, a lost line and a full bucket apart. */
  readonly done: Promise<void>;
  /** Writes that went through so far. */
  readonly written: number;
  /** Resolves when no write is under way any more. */
  stop(): Promise<void>;
}

/**
 * Writers as a fleet has them: routes, flags, certificates and sessions that change, with deletions, purges and keys that come
 * back. Fills an empty bucket first. Ends when `signal` is aborted, without an error.
 */
export function startTraffic(
  bucket: KvStore,
  options: TrafficOptions & { readonly signal?: AbortSignal } = {},
): Traffic {
  const ending = new AbortController();
  const signal =
    options.signal === undefined ? ending.signal : AbortSignal.any([options.signal, ending.signal]);
  const counter = { written: 0 };
  const done = run(bucket, options, signal, counter);
  done.catch(() => undefined);
  return {
    done,
    get written() {
      return counter.written;
    },
    async stop() {
      ending.abort();
      await done.catch(() => undefined);
    },
  };
}

/**
 * Writes what would have been written in `elapsedMs` milliseconds, at most 5000 updates, and gives their number. This is how a
 * bucket that lives only while the process does shows what an absence costs.
 */
export async function simulateAbsence(
  bucket: KvStore,
  elapsedMs: number,
  options: TrafficOptions = {},
): Promise<number> {
  const { updatesPerSecond = DEFAULT_UPDATES_PER_SECOND } = options;
  const missed = Math.floor((Math.max(0, elapsedMs) / 1000) * updatesPerSecond);
  const count = Math.min(MAX_ABSENCE_UPDATES, missed);
  const write = writerOf(bucket, options);
  for (let index = 0; index < count; index += 1) await write();
  return count;
}

async function run(
  bucket: KvStore,
  options: TrafficOptions,
  signal: AbortSignal,
  counter: { written: number },
): Promise<void> {
  const { clock = systemClock, updatesPerSecond = DEFAULT_UPDATES_PER_SECOND } = options;
  const write = writerOf(bucket, options);
  let owed = 0;
  let before = clock.now();
  counter.written += await fillBucket(bucket, options);
  while (!signal.aborted) {
    const now = clock.now();
    owed = Math.min(MAX_A_TICK, owed + ((now - before) / 1000) * updatesPerSecond);
    before = now;
    for (; owed >= 1 && !signal.aborted; owed -= 1) counter.written += await unlessRefused(write);
    await sleep(clock, TICK_MS, signal).catch(() => undefined);
  }
}

/** Puts every key once into a bucket that was never written to, and gives the number of writes. */
export async function fillBucket(bucket: KvStore, options: TrafficOptions = {}): Promise<number> {
  const { keys = DEFAULT_KEYS, random = systemRandom } = options;
  if ((await bucket.info()).lastSequence > 0n) return 0;
  for (let index = 0; index < keys; index += 1) {
    await bucket.put(demoKey(index), demoValue(index, random));
  }
  return keys;
}

function writerOf(bucket: KvStore, options: TrafficOptions): () => Promise<void> {
  const { keys = DEFAULT_KEYS, random = systemRandom } = options;
  const settled = Math.ceil(keys * SETTLED_SHARE);
  return async () => {
    const index = Math.min(keys - 1, settled + Math.floor(random() * (keys - settled)));
    const key = demoKey(index);
    const dice = random();
    if (dice < PURGE_SHARE) await bucket.purge(key);
    else if (dice < PURGE_SHARE + DELETE_SHARE) await bucket.delete(key);
    else await bucket.put(key, demoValue(index, random));
  };
}

/** 1, or 0 where the bucket would not take it for a reason that may pass. */
async function unlessRefused(write: () => Promise<void>): Promise<number> {
  try {
    await write();
    return 1;
  } catch (error) {
    if (isMillpondError(error, "not-connected") || isMillpondError(error, "bucket-full")) return 0;
    throw error;
  }
}
