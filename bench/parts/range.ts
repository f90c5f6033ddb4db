import { openSync, readSync } from "node:fs";
import { compareKeys } from "../../src/rules/key-order.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { GROUP_KEYS, PAYLOAD_BYTES, type Dataset } from "../data.js";
import type { Figures, Part, Subject, Task } from "../harness/part.js";
import { MapLog, type MapEntry } from "../rivals/map-log.js";
import { openPeer, PEER_NAMES, type PeerName } from "../rivals/peers.js";

const RAW = "readSync of the records";
const STORE = "AppendLogSnapshot";
const FIRST = "first";
const REPEATED = "1000 by prefix";
const ALL = "all";
const WALKS = 100;
/** A slow one is not walked as often. */
const WALKS_MS = 2000;

/** How many entries with this prefix there are, each looked at in key order. */
type Walk = (prefix: string) => number | Promise<number>;

async function measured({ data }: Task, walk: Walk): Promise<Figures> {
  const expected = Math.min(GROUP_KEYS, data.keys);
  const first = await timeWalk(walk, data.prefix(0), expected);
  await timeGroups(data, 21, walk, expected);
  const repeated = await timeGroups(data, 22, walk, expected);
  const all = await timeWalk(walk, "", data.keys);
  return { [FIRST]: first, [REPEATED]: repeated, [ALL]: all };
}

async function timeWalk(walk: Walk, prefix: string, expected: number): Promise<number> {
  const startedAt = performance.now();
  const walking = walk(prefix);
  const count = typeof walking === "number" ? walking : await walking;
  const elapsedMs = performance.now() - startedAt;
  if (count !== expected) throw new Error(`${count} entries with "${prefix}", not ${expected}`);
  return elapsedMs;
}

/** The mean over groups by chance. */
async function timeGroups(
  data: Dataset,
  salt: number,
  walk: Walk,
  expected: number,
): Promise<number> {
  const groups = Math.max(1, Math.floor(data.keys / GROUP_KEYS));
  let sumMs = 0;
  let walks = 0;
  for (const index of data.sample(WALKS, salt)) {
    sumMs += await timeWalk(walk, data.prefix(index % groups), expected);
    walks += 1;
    if (sumMs > WALKS_MS) break;
  }
  return sumMs / walks;
}

function rangeRaw(task: Task): Promise<Figures> {
  const file = openSync(task.prepared("compact-log"), "r");
  const wanted = Math.min(GROUP_KEYS, task.data.keys);
  return measured(task, (prefix) => {
    const count = prefix === "" ? task.data.keys : wanted;
    const target = Buffer.allocUnsafe(Math.min(count, GROUP_KEYS) * PAYLOAD_BYTES);
    for (let at = 0; at < count * PAYLOAD_BYTES; at += target.length) {
      readSync(file, target, 0, target.length, at);
    }
    return count;
  });
}

function peer(name: PeerName): Subject {
  return {
    name,
    peer: name,
    needs: [name],
    async measure(task) {
      const store = await openPeer(name, task.prepared(name));
      return measured(task, async (prefix) => {
        if (prefix === "") return (await store.loadAll()).size - 1;
        return (await store.range(prefix)).length;
      });
    },
  };
}

/** What one writes by hand: all keys are looked at, those that fit are sorted. */
function rangeOfMap(entries: ReadonlyMap<string, MapEntry>, prefix: string): number {
  const found = [...entries.keys()].filter((key) => key.startsWith(prefix));
  let bytes = 0;
  for (const key of found.toSorted(compareKeys)) bytes += entries.get(key)?.value.length ?? 0;
  return bytes > 0 ? found.length : 0;
}

export const range: Part = {
  name: "range",
  about:
    "Walks the 1000 keys of a prefix in order: the first time after loading, then 100 prefixes by chance; and all keys.",
  metrics: [
    { name: REPEATED, unit: "ms", digits: 3 },
    { name: FIRST, unit: "ms", digits: 3 },
    { name: ALL, unit: "ms" },
  ],
  subjects: [
    { name: RAW, needs: ["compact-log"], measure: rangeRaw },
    {
      name: STORE,
      needs: ["compact-log"],
      async measure(task) {
        const store = await AppendLogSnapshot.open(task.prepared("compact-log"), {
          compactThreshold: Infinity,
        });
        return measured(task, (prefix) => {
          let count = 0;
          for (const entry of store.range(prefix)) if (entry.value.length > 0) count += 1;
          return count;
        });
      },
    },
    {
      name: "Map loader",
      needs: ["compact-map-log"],
      measure(task) {
        const { entries } = new MapLog(task.prepared("compact-map-log"));
        return measured(task, (prefix) => rangeOfMap(entries, prefix));
      },
    },
    { name: "JSON file", notApplicable: "once loaded it is a Map" },
    ...PEER_NAMES.map(peer),
  ],
  baselines: [RAW, STORE],
  targets: [{ text: "1000 keys by prefix ≤ 0.4 ms", value: [STORE, REPEATED], most: 0.4 }],
};
