import { AppendLogSnapshot } from "../../src/store/index.js";
import { PAYLOAD_BYTES } from "../data.js";
import type { Figures, Part, Task } from "../harness/part.js";
import { settledMemory } from "../harness/settled-memory.js";
import { CHURN } from "../prepared.js";
import { JsonFile } from "../rivals/json-file.js";
import { MapLog } from "../rivals/map-log.js";
import { PEER_NAMES } from "../rivals/peers.js";

const PAYLOAD = "payload";
const STORE = "AppendLogSnapshot";
const CHURNED = `AppendLogSnapshot, log of ${CHURN} records a key`;
const RSS = "resident";

/** `load` gives what has to stay reachable until all is measured. */
async function measured(
  { data }: Task,
  load: () => { readonly size: number } | Promise<{ readonly size: number }>,
): Promise<Figures> {
  const before = await settledMemory();
  const held = await load();
  const after = await settledMemory();
  if (held.size !== data.keys) throw new Error(`loaded ${held.size} keys, not ${data.keys}`);
  return {
    [RSS]: (after.rss - before.rss) / data.keys,
    "heap and buffers":
      (after.heapUsed + after.external - before.heapUsed - before.external) / data.keys,
  };
}

async function openStore(path: string): Promise<AppendLogSnapshot> {
  return await AppendLogSnapshot.open(path, { compactThreshold: Infinity });
}

export const memory: Part = {
  name: "memory",
  about: `What a loaded entry costs; its payload (key, value, version and the lengths in front) has ${PAYLOAD_BYTES} bytes.`,
  metrics: [
    { name: RSS, unit: "bytes an entry" },
    { name: "heap and buffers", unit: "bytes an entry" },
  ],
  subjects: [
    {
      name: PAYLOAD,
      measure: () => Promise.resolve({ [RSS]: PAYLOAD_BYTES, "heap and buffers": PAYLOAD_BYTES }),
    },
    {
      name: STORE,
      needs: ["compact-log"],
      measure: (task) => measured(task, () => openStore(task.prepared("compact-log"))),
    },
    {
      name: CHURNED,
      needs: ["churned-log"],
      measure: (task) => measured(task, () => openStore(task.prepared("churned-log"))),
    },
    {
      name: "Map loader",
      needs: ["compact-map-log"],
      measure: (task) => measured(task, () => new MapLog(task.prepared("compact-map-log")).entries),
    },
    {
      name: "JSON file",
      needs: ["json-file"],
      measure: (task) => measured(task, () => JsonFile.load(task.prepared("json-file")).entries),
    },
    ...PEER_NAMES.map((name) => ({
      name,
      notApplicable: "its pages are in the system's cache, not in the process",
    })),
  ],
  baselines: [PAYLOAD, STORE],
  targets: [
    {
      text: "an entry ≤ 1.15 × its payload",
      value: [STORE, RSS],
      over: [PAYLOAD, RSS],
      most: 1.15,
    },
    {
      text: "the same with dead records in the log",
      value: [CHURNED, RSS],
      over: [PAYLOAD, RSS],
      most: 1.15,
    },
  ],
};
