import { openSync, readSync } from "node:fs";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { PAYLOAD_BYTES, type Dataset } from "../data.js";
import type { Figures, Part, Subject, Task } from "../harness/part.js";
import { Stopwatch } from "../harness/stopwatch.js";
import { MapLog } from "../rivals/map-log.js";
import { openPeer, PEER_NAMES, type PeerName } from "../rivals/peers.js";

const STORE = "AppendLogSnapshot";
const MAP = "Map loader, value copied";
const RAW = "readSync of a record";
const RANDOM = "random";
const HOT = "hot";
const LOOKUPS = 200_000;
/** As many, where there are few keys. */
const LOOKUPS_A_KEY = 10;
const BLOCK = 10_000;
const HOT_KEYS = 1000;

type Get = (key: string) => Uint8Array | undefined;

function measured({ data }: Task, get: Get): Figures {
  // The first lookups are there to have the code compiled.
  timeLookups(data, 11, get);
  return {
    [RANDOM]: timeLookups(data, 12, get),
    [HOT]: timeHot(data, get),
    absent: timeAbsent(data, get),
  };
}

function lookupsOf(data: Dataset): number {
  return Math.min(LOOKUPS, LOOKUPS_A_KEY * data.keys);
}

/** Keys that were just made, as those of requests are: the strings of a block are made before its clock runs. */
function timeLookups(data: Dataset, salt: number, get: Get): number {
  const indexes = data.sample(lookupsOf(data), salt);
  return timeInBlocks(indexes, (index) => data.key(index), get, true);
}

function timeAbsent(data: Dataset, get: Get): number {
  const indexes = data.sample(lookupsOf(data), 14);
  return timeInBlocks(indexes, (index) => data.absentKey(index), get, false);
}

function timeInBlocks(
  indexes: Uint32Array,
  keyOf: (index: number) => string,
  get: Get,
  isThere: boolean,
): number {
  const watch = new Stopwatch();
  for (let from = 0; from < indexes.length; from += BLOCK) {
    const keys = Array.from(indexes.subarray(from, from + BLOCK), keyOf);
    timeBlock(watch, keys, get, isThere);
  }
  return watch.wallNsPer(indexes.length);
}

/** The same few keys over and over, the strings kept. */
function timeHot(data: Dataset, get: Get): number {
  const watch = new Stopwatch();
  const keys = Array.from(data.sample(HOT_KEYS, 13), (index) => data.key(index));
  const rounds = Math.ceil(lookupsOf(data) / HOT_KEYS);
  for (let round = 0; round < rounds; round += 1) timeBlock(watch, keys, get, true);
  return watch.wallNsPer(rounds * HOT_KEYS);
}

function timeBlock(watch: Stopwatch, keys: readonly string[], get: Get, isThere: boolean): void {
  let found = 0;
  watch.start();
  for (const key of keys) if (get(key) !== undefined) found += 1;
  watch.stop();
  if (found !== (isThere ? keys.length : 0)) throw new Error(`found ${found} of ${keys.length}`);
}

/** What the system's file cache takes for as many bytes at a place by chance. */
function readRaw(task: Task): Figures {
  const { data } = task;
  const file = openSync(task.prepared("compact-log"), "r");
  const target = Buffer.allocUnsafeSlow(PAYLOAD_BYTES);
  const timeReads = (indexes: Uint32Array): number => {
    const watch = new Stopwatch();
    watch.start();
    for (const index of indexes) readSync(file, target, 0, PAYLOAD_BYTES, index * PAYLOAD_BYTES);
    watch.stop();
    return watch.wallNsPer(indexes.length);
  };
  const lookups = lookupsOf(data);
  timeReads(data.sample(lookups, 11));
  const hot = data.sample(HOT_KEYS, 13);
  return {
    [RANDOM]: timeReads(data.sample(lookups, 12)),
    [HOT]: timeReads(new Uint32Array(lookups).map((_, at) => hot[at % HOT_KEYS] as number)),
  };
}

function peer(name: PeerName): Subject {
  return {
    name,
    peer: name,
    needs: [name],
    async measure(task) {
      const store = await openPeer(name, task.prepared(name));
      return measured(task, (key) => store.get(key));
    },
  };
}

export const get: Part = {
  name: "get",
  about:
    "Looks up one key: any of all, one of a thousand that are asked for again and again, one that is not there.",
  metrics: [
    { name: RANDOM, unit: "ns" },
    { name: HOT, unit: "ns" },
    { name: "absent", unit: "ns" },
  ],
  subjects: [
    { name: RAW, needs: ["compact-log"], measure: (task) => Promise.resolve(readRaw(task)) },
    {
      name: STORE,
      needs: ["compact-log"],
      async measure(task) {
        const store = await AppendLogSnapshot.open(task.prepared("compact-log"), {
          compactThreshold: Infinity,
        });
        return measured(task, (key) => store.get(key)?.value);
      },
    },
    {
      name: MAP,
      needs: ["compact-map-log"],
      measure(task) {
        const { entries } = new MapLog(task.prepared("compact-map-log"));
        // What our store promises: the caller's own.
        const copied = (key: string): Uint8Array | undefined => {
          const entry = entries.get(key);
          return entry && { key, ...entry, value: new Uint8Array(entry.value) }.value;
        };
        return Promise.resolve(measured(task, copied));
      },
    },
    {
      name: "Map loader, value shared",
      needs: ["compact-map-log"],
      measure(task) {
        const { entries } = new MapLog(task.prepared("compact-map-log"));
        return Promise.resolve(measured(task, (key) => entries.get(key)?.value));
      },
    },
    { name: "JSON file", notApplicable: "once loaded it is a Map" },
    ...PEER_NAMES.map(peer),
  ],
  baselines: [RAW, STORE],
  targets: [
    {
      text: "random get ≤ 0.5 × the Map loader's",
      value: [STORE, RANDOM],
      over: [MAP, RANDOM],
      most: 0.5,
    },
    { text: "hot get ≤ 1 µs", value: [STORE, HOT], most: 1000 },
  ],
};
