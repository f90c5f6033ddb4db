import { closeSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { SnapshotWriter } from "../../src/log/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import type { Batch, Dataset } from "../data.js";
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

/**
 * Of the first records no time is taken, as a service's code was compiled long ago. In the same log: a second one would have
 * the runtime compile anew what it took for constant.
 */
const UNTIMED = 300_000;

function untimedOf(keys: number): number {
  return Math.min(UNTIMED, Math.floor(keys / 2));
}

/** What takes batches and holds them at a path. */
interface Sink {
  apply(batch: Batch): void | Promise<void>;
  close(): void | Promise<void>;
}

function sink(name: string, open: (path: string) => Sink | Promise<Sink>): Subject {
  return {
    name,
    async measure({ data, directory }) {
      return await appendAll(data, await open(join(directory, "sink")));
    },
  };
}

/** Making the updates is the caller's, and is not timed; the handing over of each batch is. */
async function appendAll(data: Dataset, into: Sink): Promise<Figures> {
  const untimed = untimedOf(data.keys);
  const watch = new Stopwatch();
  let records = 0;
  for (const block of data.blocks(data.keys)) {
    if (records >= untimed) watch.start();
    for (const batch of block) {
      const pending = into.apply(batch);
      if (pending !== undefined) await pending;
      records += batch.updates.length;
    }
    watch.stop();
  }
  await into.close();
  const timed = data.keys - untimed;
  return { [WALL]: watch.wallNsPer(timed), cpu: watch.cpuNsPer(timed) };
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
  return { [WALL]: watch.wallNsPer(task.data.keys), cpu: watch.cpuNsPer(task.data.keys) };
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

async function openWriter(path: string): Promise<Sink> {
  const writer = await SnapshotWriter.open(path, Infinity);
  return {
    async apply({ updates, cursor }) {
      for (const update of updates) writer.writeUpdate(update);
      await writer.checkpoint(cursor);
    },
    close: () => writer.close(),
  };
}

async function openStore(path: string): Promise<Sink> {
  const store = await AppendLogSnapshot.open(path, { compactThreshold: Infinity });
  return {
    apply: ({ updates, cursor }) => store.apply(updates, cursor),
    close: () => store.close(),
  };
}

function openMapLog(path: string): Sink {
  const log = new MapLog(path);
  return {
    apply: ({ updates, cursor }) => log.apply(updates, cursor),
    close: () => log.close(),
  };
}

function peer(name: PeerName): Subject {
  const subject = sink(name, async (path) => {
    const store = await openPeer(name, path);
    return {
      apply: ({ updates, cursor }) => store.apply(updates, cursor),
      close: () => store.close(),
    };
  });
  return { ...subject, peer: name };
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
    sink(LOG, openWriter),
    sink(STORE, openStore),
    sink("Map and a log by hand", openMapLog),
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
