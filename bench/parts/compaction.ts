import {
  closeSync,
  copyFileSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { SnapshotWriter, verify } from "../../src/log/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import type { Batch, Dataset } from "../data.js";
import { feed, keysToFeed, UPDATES_PER_SECOND, type Fed } from "../harness/feeder.js";
import { watchIdleLoop, watchLoop } from "../harness/loop-watch.js";
import type { Figures, Part, Task } from "../harness/part.js";
import { CHURN } from "../prepared.js";
import { JsonFile } from "../rivals/json-file.js";
import { MapLog } from "../rivals/map-log.js";
import { PEER_NAMES } from "../rivals/peers.js";

const STORE = "AppendLogSnapshot";
const WALL = "wall";
const HELD = "loop held, timer";
const MONITOR = "loop held, monitor";
const SLICE_BYTES = 256 * 1024;

interface Scene {
  readonly data: Dataset;
  readonly apply: (batch: Batch) => void | Promise<void>;
  /** Resolves when the compact file is in place. */
  readonly compact: () => void | Promise<void>;
}

/** Compacts while updates come in at a steady rate. */
async function underLoad({ data, apply, compact }: Scene): Promise<[Figures, Fed]> {
  const indexes = keysToFeed(data);
  // The set-up has left garbage, and the collection of that is not the compaction's.
  await globalThis.gc?.({ type: "major", execution: "async" });
  const stopWatching = watchLoop();
  const startedAt = performance.now();
  const stopFeeding = feed({ data, indexes, firstRevision: CHURN * data.keys + 1, apply });
  await compact();
  const wallMs = performance.now() - startedAt;
  const fed = await stopFeeding();
  const { byTimerMs, byMonitorMs } = await stopWatching();
  const figures = {
    [WALL]: wallMs,
    [HELD]: byTimerMs,
    [MONITOR]: byMonitorMs,
    "longest batch": fed.longestMs,
    "written meanwhile": fed.updates,
  };
  return [figures, fed];
}

async function compactStore(task: Task): Promise<Figures> {
  const path = copyOfChurned(task);
  const store = await AppendLogSnapshot.open(path, { compactThreshold: Infinity });
  const [figures, fed] = await underLoad({
    data: task.data,
    apply: ({ updates, cursor }) => store.apply(updates, cursor),
    compact: () => store.compact(),
  });
  await store.close();
  await requireWhole(path, task.data, fed);
  return figures;
}

async function compactWriter(task: Task): Promise<Figures> {
  const path = copyOfChurned(task);
  const writer = await SnapshotWriter.open(path, Infinity);
  const [figures, fed] = await underLoad({
    data: task.data,
    async apply({ updates, cursor }) {
      for (const update of updates) writer.writeUpdate(update);
      await writer.checkpoint(cursor);
    },
    compact: () => writer.compact(),
  });
  await writer.close();
  await requireWhole(path, task.data, fed);
  return figures;
}

async function compactMapLog(task: Task): Promise<Figures> {
  const path = join(task.directory, "map-log");
  copyFileSync(task.prepared("churned-map-log"), path);
  const log = new MapLog(path);
  const [figures] = await underLoad({
    data: task.data,
    apply: ({ updates, cursor }) => log.apply(updates, cursor),
    compact: () => log.compact(),
  });
  log.close();
  return figures;
}

async function compactJson(task: Task): Promise<Figures> {
  const path = join(task.directory, "copy.json");
  copyFileSync(task.prepared("json-file"), path);
  const file = JsonFile.load(path);
  let revision = CHURN * task.data.keys;
  const [figures] = await underLoad({
    data: task.data,
    apply({ updates }) {
      for (const { key, value } of updates) file.set(key, value, (revision += 1));
    },
    compact: () => file.checkpoint(),
  });
  return figures;
}

async function idle(): Promise<Figures> {
  const { byTimerMs, byMonitorMs } = await watchIdleLoop();
  return { [HELD]: byTimerMs, [MONITOR]: byMonitorMs };
}

/** A copy of the compact log in slices, synced and renamed, with nothing else going on. */
function copyRaw(task: Task): Figures {
  const from = openSync(task.prepared("compact-log"), "r");
  const path = join(task.directory, "raw");
  const slice = Buffer.allocUnsafeSlow(SLICE_BYTES);
  const startedAt = performance.now();
  const to = openSync(`${path}.new`, "w");
  for (let filled = readSync(from, slice); filled > 0; filled = readSync(from, slice)) {
    writeSync(to, slice, 0, filled);
  }
  fsyncSync(to);
  renameSync(`${path}.new`, path);
  const wallMs = performance.now() - startedAt;
  closeSync(from);
  closeSync(to);
  return { [WALL]: wallMs };
}

function copyOfChurned(task: Task): string {
  const path = join(task.directory, "log");
  copyFileSync(task.prepared("churned-log"), path);
  return path;
}

/** The log is sound, and holds every key and what was written to it last. */
async function requireWhole(path: string, data: Dataset, { last }: Fed): Promise<void> {
  const report = await verify(path);
  if (report.result !== "ok") throw new Error("the log is empty afterwards");
  const store = await AppendLogSnapshot.open(path, { compactThreshold: Infinity });
  if (store.size !== data.keys) throw new Error(`${store.size} keys afterwards`);
  for (const [index, revision] of last) {
    const version = store.get(data.key(index))?.version.toU64();
    if (version !== BigInt(revision)) {
      throw new Error(`key ${index} has version ${version} afterwards, not ${revision}`);
    }
  }
  await store.close();
}

export const compaction: Part = {
  name: "compaction",
  about: `Compacts a log of ${CHURN} records a key to one each while ${UPDATES_PER_SECOND} updates a second come in, 100 a checkpoint; the log is verified afterwards.`,
  metrics: [
    { name: WALL, unit: "ms" },
    { name: HELD, unit: "ms", digits: 1 },
    { name: MONITOR, unit: "ms", digits: 1 },
    { name: "longest batch", unit: "ms", digits: 1 },
    { name: "written meanwhile", unit: "updates" },
  ],
  subjects: [
    {
      name: "copying as many bytes, and fsync",
      needs: ["compact-log"],
      measure: (task) => Promise.resolve(copyRaw(task)),
    },
    { name: "nothing, a timer running", measure: idle },
    { name: STORE, needs: ["churned-log"], measure: compactStore },
    { name: "SnapshotWriter", needs: ["churned-log"], measure: compactWriter },
    { name: "Map and a log by hand", needs: ["churned-map-log"], measure: compactMapLog },
    { name: "JSON file", needs: ["json-file"], measure: compactJson },
    ...PEER_NAMES.map((name) => ({
      name,
      notApplicable: "uses its pages again, or merges its files as it goes",
    })),
  ],
  baselines: ["copying as many bytes, and fsync", STORE],
  targets: [
    { text: "the event loop is never held > 10 ms", value: [STORE, HELD], most: 10 },
    {
      text: "a bare SnapshotWriter's compaction never holds it > 10 ms",
      value: ["SnapshotWriter", HELD],
      most: 10,
    },
    { text: "compacted in ≤ 2 s", value: [STORE, WALL], most: 2000 },
  ],
};
