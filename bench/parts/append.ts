import { closeSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { SnapshotWriter } from "../../src/log/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import type { Batch } from "../data.js";
import type { Figures, Part, Subject, Task } from "../harness/part.js";
import { Stopwatch } from "../harness/stopwatch.js";
import { checkpointsOf } from "../prepared.js";
import { JsonFile } from "../rivals/json-file.js";
import { MapLog } from "../rivals/map-log.js";
import { openPeer, PEER_NAMES, type PeerName } from "../rivals/peers.js";

const RAW = "raw writeSync";
const LOG = "SnapshotWriter (log only)";
const STORE = "AppendLogSnapshot (log and copy)";
const WALL = "wall";

/** Making the updates is the caller's, and is not timed; the handing over of each batch is. */
async function appendAll(
  { data }: Task,
  apply: (batch: Batch) => void | Promise<void>,
): Promise<Figures> {
  const watch = new Stopwatch();
  for (const block of data.blocks(data.keys)) {
    watch.start();
    for (const batch of block) {
      const pending = apply(batch);
      if (pending !== undefined) await pending;
    }
    watch.stop();
  }
  return { [WALL]: watch.wallNsPer(data.keys), cpu: watch.cpuNsPer(data.keys) };
}

/** The bytes of the log that `SnapshotWriter` makes of the same records, in as many writes. */
function appendRaw(task: Task): Figures {
  const path = task.prepared("appended-log");
  const chunkBytes = Math.floor(statSync(path).size / checkpointsOf(task.data.keys));
  const from = openSync(path, "r");
  const to = openSync(join(task.directory, "raw"), "w");
  const block = Buffer.allocUnsafeSlow(chunkBytes * 10);
  const watch = new Stopwatch();
  let at = 0;
  for (;;) {
    const filled = readSync(from, block, 0, block.length, at);
    if (filled < chunkBytes) break;
    watch.start();
    for (let start = 0; start + chunkBytes <= filled; start += chunkBytes) {
      writeSync(to, block, start, chunkBytes, at);
      at += chunkBytes;
    }
    watch.stop();
  }
  closeSync(from);
  closeSync(to);
  return {
    [WALL]: watch.wallNsPer(task.data.keys),
    cpu: watch.cpuNsPer(task.data.keys),
  };
}

/** Each checkpoint writes the whole: one is timed, when all is there, and its cost shared by a batch's records. */
function appendJson({ data, directory }: Task): Figures {
  const file = JsonFile.empty(join(directory, "copy.json"));
  let revision = 0;
  for (const index of data.shuffled()) {
    revision += 1;
    file.set(data.key(index), data.value(revision), revision);
  }
  const watch = new Stopwatch();
  watch.start();
  file.checkpoint();
  watch.stop();
  const records = data.keys / checkpointsOf(data.keys);
  return { [WALL]: watch.wallNsPer(records), cpu: watch.cpuNsPer(records) };
}

function peer(name: PeerName): Subject {
  return {
    name,
    peer: name,
    async measure(task) {
      const store = await openPeer(name, join(task.directory, "peer"));
      const figures = await appendAll(task, ({ updates, cursor }) => store.apply(updates, cursor));
      await store.close();
      return figures;
    },
  };
}

export const append: Part = {
  name: "append",
  about: "Writes every key once, in shuffled order, 100 records and a cursor a checkpoint.",
  metrics: [
    { name: WALL, unit: "ns a record" },
    { name: "cpu", unit: "ns a record" },
  ],
  subjects: [
    {
      name: RAW,
      needs: ["appended-log"],
      measure: (task) => Promise.resolve(appendRaw(task)),
    },
    {
      name: LOG,
      async measure(task) {
        const writer = await SnapshotWriter.open(join(task.directory, "log"), Infinity);
        const figures = await appendAll(task, async ({ updates, cursor }) => {
          for (const update of updates) writer.writeUpdate(update);
          await writer.checkpoint(cursor);
        });
        await writer.close();
        return figures;
      },
    },
    {
      name: STORE,
      async measure(task) {
        const store = await AppendLogSnapshot.open(join(task.directory, "log"), {
          compactThreshold: Infinity,
        });
        const figures = await appendAll(task, ({ updates, cursor }) =>
          store.apply(updates, cursor),
        );
        await store.close();
        return figures;
      },
    },
    {
      name: "Map and a log by hand",
      async measure(task) {
        const log = new MapLog(join(task.directory, "log"));
        const figures = await appendAll(task, ({ updates, cursor }) => log.apply(updates, cursor));
        log.close();
        return figures;
      },
    },
    { name: "JSON file", measure: (task) => Promise.resolve(appendJson(task)) },
    ...PEER_NAMES.map(peer),
  ],
  baselines: [RAW, STORE],
  targets: [
    {
      text: "log and copy ≤ 2.2 × raw writeSync",
      value: [STORE, WALL],
      over: [RAW, WALL],
      most: 2.2,
    },
    {
      text: "writes ≥ 10 × faster than lmdb",
      value: ["lmdb", WALL],
      over: [STORE, WALL],
      least: 10,
    },
    {
      text: "writes ≥ 10 × faster than classic-level",
      value: ["classic-level", WALL],
      over: [STORE, WALL],
      least: 10,
    },
  ],
};
