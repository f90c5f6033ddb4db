import { Arena } from "../../src/kernel/index.js";
import { v3Codec } from "../../src/log/index.js";
import type { Dataset } from "../data.js";
import type { Figures, Part, Task } from "../harness/part.js";
import { Stopwatch } from "../harness/stopwatch.js";

const CPU = "longest step, cpu";
const WALL = "longest step, wall";
const MAP = "Map, 1000 keys a step";
const STEP_MS_MAX = 5;
/** From so many keys on values are short, so that they fit beside their keys into what one arena can address. */
const MANY_KEYS = 8_000_000;
const SHORT_BYTES = 8;
/** More than come, so that none waits for long. */
const settledAfter = (keys: number): number => 100 + 2 * keys;
/** Steps before the clock counts: the code is compiled in them. In a memory of their own. */
const WARM_UP_STEPS = 200;

interface Grown {
  readonly step: (keys: Uint32Array) => void;
  /** Makes what the next step takes: not timed. */
  readonly make: (keys: Uint32Array, firstRevision: number) => void;
  readonly size: () => number;
}

/** Makes it once to have the code compiled, and once to be measured. */
function measure({ data }: Task, batchKeys: number, empty: (data: Dataset) => Grown): Figures {
  grow(data, empty(data), batchKeys, Math.min(data.keys, WARM_UP_STEPS * batchKeys));
  const grown = empty(data);
  const figures = grow(data, grown, batchKeys, data.keys);
  if (grown.size() !== data.keys) throw new Error(`${grown.size()} keys, not ${data.keys}`);
  return figures;
}

function grow(data: Dataset, grown: Grown, batchKeys: number, keys: number): Figures {
  const order = data.shuffled();
  let longestCpuMs = 0;
  let longestWallMs = 0;
  let longSteps = 0;
  let allMs = 0;
  for (let from = 0; from < keys; from += batchKeys) {
    const batch = order.subarray(from, Math.min(keys, from + batchKeys));
    grown.make(batch, from + 1);
    const watch = new Stopwatch();
    watch.start();
    grown.step(batch);
    watch.stop();
    longestCpuMs = Math.max(longestCpuMs, watch.cpuMs);
    longestWallMs = Math.max(longestWallMs, watch.wallMs);
    if (watch.cpuMs > STEP_MS_MAX) longSteps += 1;
    allMs += watch.wallMs;
  }
  return {
    [CPU]: longestCpuMs,
    [WALL]: longestWallMs,
    [`steps > ${STEP_MS_MAX} ms, cpu`]: longSteps,
    "a key": (allMs * 1e6) / keys,
  };
}

/** A batch into sight, and as many keys into order as the store does then. */
function arenaOf(data: Dataset): Grown {
  const arena = new Arena({ seed: data.seed });
  const encoder = v3Codec.encoder();
  return {
    make(keys, firstRevision) {
      encoder.clear();
      for (const [index, key] of keys.entries()) {
        const put = data.put(key, firstRevision + index);
        encoder.add({ ...put, value: valueOf(data, firstRevision + index) });
      }
      encoder.end(undefined);
    },
    step(keys) {
      arena.stage(encoder.body() as Uint8Array);
      arena.commit();
      arena.settle(settledAfter(keys.length));
    },
    size: () => arena.size,
  };
}

function mapOf(data: Dataset): Grown {
  const entries = new Map<string, Uint8Array>();
  let made: (readonly [string, Uint8Array])[] = [];
  return {
    make(keys, firstRevision) {
      made = Array.from(keys, (key, index) => [
        data.key(key),
        valueOf(data, firstRevision + index),
      ]);
    },
    step() {
      for (const [key, value] of made) entries.set(key, value);
    },
    size: () => entries.size,
  };
}

function valueOf(data: Dataset, revision: number): Uint8Array {
  const value = data.value(revision);
  return data.keys < MANY_KEYS ? value : value.subarray(0, SHORT_BYTES);
}

export const growth: Part = {
  name: "growth",
  about: `New keys in shuffled order into a copy in memory, without a log: the longest of all steps, a batch each. From ${MANY_KEYS.toLocaleString("en")} keys on values have ${SHORT_BYTES} bytes. A Map holds 2^24 keys at most.`,
  metrics: [
    { name: CPU, unit: "ms", digits: 1 },
    { name: WALL, unit: "ms", digits: 1 },
    { name: `steps > ${STEP_MS_MAX} ms, cpu`, unit: "steps" },
    { name: "a key", unit: "ns" },
  ],
  subjects: [
    ...[100, 1000].map((batchKeys) => ({
      name: `${batchKeys} keys a step`,
      measure: (task: Task) => Promise.resolve(measure(task, batchKeys, arenaOf)),
    })),
    { name: MAP, measure: (task) => Promise.resolve(measure(task, 1000, mapOf)) },
  ],
  baselines: ["1000 keys a step"],
  targets: [100, 1000].map((batchKeys) => ({
    text: `no step over ${STEP_MS_MAX} ms, ${batchKeys} keys a step`,
    value: [`${batchKeys} keys a step`, CPU] as const,
    most: STEP_MS_MAX,
  })),
};
