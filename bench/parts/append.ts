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
const AGAIN = "overwriting, wall";
const AGAIN_CPU = "overwriting, cpu";
const ORDERED = "put into order at the end";
const CHUNKS_A_BLOCK = 10;

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
  /** Has the keys put into order that wait for it. */
  order?(): void;
}

function sink(name: string, open: (path: string) => Sink | Promise<Sink>): Subject {
  return {
    name,
    async measure({ data, directory }) {
      return await appendAll(data, await open(join(directory, "sink")));
    },
  };
}

/** So many records more, of keys by chance that are all there, are the second figure: what a service that runs long does. */
const OVERWRITTEN = 300_000;

function recordsOf(keys: number): number {
  return keys + Math.min(OVERWRITTEN, keys);
}

/** Making the updates is the caller's, and is not timed; the handing over of each batch is. */
async function appendAll(data: Dataset, into: Sink): Promise<Figures> {
  const untimed = untimedOf(data.keys);
  const fresh = new Stopwatch();
  const again = new Stopwatch();
  let records = 0;
  for (const block of data.blocks(recordsOf(data.keys))) {
    const watch = records < data.keys ? fresh : again;
    if (records >= untimed) watch.start();
    for (const batch of block) {
      const pending = into.apply(batch);
      if (pending !== undefined) await pending;
      records += batch.updates.length;
    }
    watch.stop();
  }
  const ordered = new Stopwatch();
  ordered.start();
  into.order?.();
  ordered.stop();
  await into.close();
  return {
    ...figuresOf(data, fresh, again),
    ...(into.order === undefined ? {} : { [ORDERED]: ordered.wallNsPer(data.keys) }),
  };
}

function figuresOf({ keys }: Dataset, fresh: Stopwatch, again: Stopwatch): Figures {
  const timed = keys - untimedOf(keys);
  const overwritten = recordsOf(keys) - keys;
  return {
    [WALL]: fresh.wallNsPer(timed),
    cpu: fresh.cpuNsPer(timed),
    [AGAIN]: again.wallNsPer(overwritten),
    [AGAIN_CPU]: again.cpuNsPer(overwritten),
  };
}

/** The bytes of the log that `SnapshotWriter` makes of the same records, in as many writes. */
function appendRaw(task: Task): Figures {
  const { data } = task;
  const path = task.prepared("appended-log");
  const { size } = statSync(path);
  const chunkBytes = Math.floor(size / checkpointsOf(data.keys));
  const from = openSync(path, "r");
  const to = openSync(join(task.directory, "raw"), "w");
  const chunks = Buffer.allocUnsafeSlow(chunkBytes * CHUNKS_A_BLOCK);
  const lastBlockAt = Math.max(1, size - chunks.length + 1);
  const fresh = new Stopwatch();
  const again = new Stopwatch();
  const untimed = checkpointsOf(untimedOf(data.keys));
  const all = checkpointsOf(recordsOf(data.keys));
  let written = 0;
  while (written < all) {
    const watch = written < checkpointsOf(data.keys) ? fresh : again;
    // Where the source ends it is read again from its start.
    readSync(from, chunks, 0, chunks.length, (written * chunkBytes) % lastBlockAt);
    if (written >= untimed) watch.start();
    for (let start = 0; start < chunks.length && written < all; start += chunkBytes) {
      writeSync(to, chunks, start, chunkBytes, written * chunkBytes);
      written += 1;
    }
    watch.stop();
  }
  closeSync(from);
  closeSync(to);
  return figuresOf(data, fresh, again);
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
    order: () => void store.range("")[Symbol.iterator]().next(),
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
  about:
    "Writes every key once, in shuffled order, 100 records and a cursor a checkpoint; then overwrites keys by chance; then what reading all keys in order costs once, before the first comes.",
  metrics: [
    { name: WALL, unit: "ns a record" },
    { name: "cpu", unit: "ns a record" },
    { name: AGAIN, unit: "ns a record" },
    { name: AGAIN_CPU, unit: "ns a record" },
    { name: ORDERED, unit: "ns a key" },
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
      text: "the same where keys are overwritten",
      value: [STORE, AGAIN],
      over: [RAW, AGAIN],
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
