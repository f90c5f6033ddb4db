import { readFileSync } from "node:fs";
import { readSnapshot } from "../../src/log/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { watchIdleLoop, watchLoop } from "../harness/loop-watch.js";
import type { Figures, Part, Subject, Task } from "../harness/part.js";
import { Stopwatch } from "../harness/stopwatch.js";
import { CHURN } from "../prepared.js";
import { JsonFile } from "../rivals/json-file.js";
import { MapLog } from "../rivals/map-log.js";
import { openPeer, PEER_NAMES, type PeerName } from "../rivals/peers.js";

const RAW = "readFileSync";
const STORE = "AppendLogSnapshot.open";
const SERVING = "AppendLogSnapshot.open, a timer running";
const MAP = "Map loader";
const WALL = "wall";
const HELD = "loop held, timer";
const MONITOR = "loop held, monitor";
const CHURNED = `of ${CHURN} records a key`;

/** `load` gives the number of keys, so that nothing is timed that loaded something else. */
async function timed({ data }: Task, load: () => number | Promise<number>): Promise<Figures> {
  const watch = new Stopwatch();
  watch.start();
  const loading = load();
  const keys = typeof loading === "number" ? loading : await loading;
  watch.stop();
  if (keys !== data.keys) throw new Error(`loaded ${keys} keys, not ${data.keys}`);
  return { [WALL]: watch.wallMs, cpu: watch.cpuMs };
}

async function openStore(path: string): Promise<number> {
  return (await AppendLogSnapshot.open(path, { compactThreshold: Infinity })).size;
}

function peer(name: PeerName): Subject {
  return {
    name: `${name}, all into a Map`,
    peer: name,
    needs: [name],
    measure: (task) =>
      timed(task, async () => {
        const store = await openPeer(name, task.prepared(name));
        const entries = await store.loadAll();
        // One of them is the cursor.
        return entries.size - 1;
      }),
  };
}

async function idle(): Promise<Figures> {
  const { byTimerMs, byMonitorMs } = await watchIdleLoop();
  return { [HELD]: byTimerMs, [MONITOR]: byMonitorMs };
}

async function whileServing(task: Task, path: string): Promise<Figures> {
  const stop = watchLoop();
  const figures = await timed(task, () => openStore(path));
  const { byTimerMs, byMonitorMs } = await stop();
  return { ...figures, [HELD]: byTimerMs, [MONITOR]: byMonitorMs };
}

export const load: Part = {
  name: "load",
  about:
    "Opens what holds every key once and has all of it in memory; and the same where two of three records are dead.",
  metrics: [
    { name: WALL, unit: "ms" },
    { name: "cpu", unit: "ms" },
    { name: HELD, unit: "ms", digits: 1 },
    { name: MONITOR, unit: "ms", digits: 1 },
  ],
  subjects: [
    {
      name: RAW,
      needs: ["compact-log"],
      measure: (task) =>
        timed(task, () => {
          const { length } = readFileSync(task.prepared("compact-log"));
          return length > 0 ? task.data.keys : 0;
        }),
    },
    {
      name: STORE,
      needs: ["compact-log"],
      measure: (task) => timed(task, () => openStore(task.prepared("compact-log"))),
    },
    {
      name: SERVING,
      needs: ["compact-log"],
      measure: (task) => whileServing(task, task.prepared("compact-log")),
    },
    { name: "nothing, a timer running", measure: idle },
    {
      name: "readSnapshot (into a Map)",
      needs: ["compact-log"],
      measure: (task) =>
        timed(task, async () => {
          const snapshot = await readSnapshot(task.prepared("compact-log"));
          return snapshot?.entries.size ?? 0;
        }),
    },
    {
      name: MAP,
      needs: ["compact-map-log"],
      measure: (task) =>
        timed(task, () => new MapLog(task.prepared("compact-map-log")).entries.size),
    },
    {
      name: "JSON file",
      needs: ["json-file"],
      measure: (task) => timed(task, () => JsonFile.load(task.prepared("json-file")).entries.size),
    },
    ...PEER_NAMES.map(peer),
    {
      name: `readFileSync, ${CHURNED}`,
      needs: ["churned-log"],
      measure: (task) =>
        timed(task, () => {
          const { length } = readFileSync(task.prepared("churned-log"));
          return length > 0 ? task.data.keys : 0;
        }),
    },
    {
      name: `AppendLogSnapshot.open, a timer running, ${CHURNED}`,
      needs: ["churned-log"],
      measure: (task) => whileServing(task, task.prepared("churned-log")),
    },
    {
      name: `Map loader, ${CHURNED}`,
      needs: ["churned-map-log"],
      measure: (task) =>
        timed(task, () => new MapLog(task.prepared("churned-map-log")).entries.size),
    },
  ],
  baselines: [RAW, STORE],
  targets: [
    { text: "load ≤ 1.6 × readFileSync", value: [STORE, WALL], over: [RAW, WALL], most: 1.6 },
    {
      text: "load ≥ 8 × faster than the Map loader",
      value: [MAP, WALL],
      over: [STORE, WALL],
      least: 8,
    },
    { text: "loop held ≤ 20 ms while opening", value: [SERVING, HELD], most: 20 },
    ...(["lmdb", "classic-level"] as const).map((name) => ({
      text: `loads ≥ 5 × faster than ${name}`,
      value: [`${name}, all into a Map`, WALL] as const,
      over: [STORE, WALL] as const,
      least: 5,
    })),
  ],
};
