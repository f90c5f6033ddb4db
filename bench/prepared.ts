import { SnapshotWriter } from "../src/log/index.js";
import { CHECKPOINT_RECORDS, type Dataset } from "./data.js";
import { fillBucket } from "./hydration/bucket.js";
import { JsonFile } from "./rivals/json-file.js";
import { MapLog } from "./rivals/map-log.js";
import { openPeer, PEER_NAMES, type PeerName } from "./rivals/peers.js";

/** So many records were written for each live key of a churned log. */
export const CHURN = 3;

/** Files and databases that several measurements read; each is made once a run. */
export type PreparedName =
  | "compact-log"
  | "appended-log"
  | "churned-log"
  | "compact-map-log"
  | "churned-map-log"
  | "json-file"
  | "bucket"
  | "large-bucket"
  | PeerName;

/** Makes the thing of this name at `path`, where nothing is yet. */
export async function prepare(name: PreparedName, data: Dataset, path: string): Promise<void> {
  if (isPeer(name)) await preparePeer(name, data, path);
  else await makers[name](data, path);
}

export function isPeer(name: PreparedName): name is PeerName {
  return (PEER_NAMES as readonly string[]).includes(name);
}

const makers: Record<
  Exclude<PreparedName, PeerName>,
  (data: Dataset, path: string) => void | Promise<void>
> = {
  "compact-log": async (data, path) => {
    const writer = await written(data, path, data.keys);
    await writer.compact();
    await writer.close();
  },
  "appended-log": async (data, path) => (await written(data, path, data.keys)).close(),
  "churned-log": async (data, path) => (await written(data, path, CHURN * data.keys)).close(),
  "compact-map-log": (data, path) => {
    const log = new MapLog(path);
    for (const block of data.blocks(data.keys)) {
      for (const { updates, cursor } of block) log.apply(updates, cursor);
    }
    log.compact();
    log.close();
  },
  "churned-map-log": (data, path) => {
    const log = new MapLog(path);
    for (const block of data.blocks(CHURN * data.keys)) {
      for (const { updates, cursor } of block) log.apply(updates, cursor);
    }
    log.close();
  },
  "json-file": (data, path) => {
    const file = JsonFile.empty(path);
    let revision = 0;
    for (const index of data.shuffled()) {
      revision += 1;
      file.set(data.key(index), data.value(revision), revision);
    }
    file.checkpoint();
  },
  bucket: (data, path) => fillBucket(data, Math.ceil(data.keys / 2), path),
  "large-bucket": (data, path) => fillBucket(data, data.keys, path),
};

async function written(data: Dataset, path: string, records: number): Promise<SnapshotWriter> {
  const writer = await SnapshotWriter.open(path, Infinity);
  for (const block of data.blocks(records)) {
    for (const { updates, cursor } of block) {
      for (const update of updates) writer.writeUpdate(update);
      await writer.checkpoint(cursor);
    }
  }
  return writer;
}

async function preparePeer(name: PeerName, data: Dataset, path: string): Promise<void> {
  const store = await openPeer(name, path);
  for (const block of data.blocks(data.keys)) {
    for (const { updates, cursor } of block) await store.apply(updates, cursor);
  }
  await store.close();
}

/** How many writes make a log of `records`. */
export function checkpointsOf(records: number): number {
  return Math.ceil(records / CHECKPOINT_RECORDS);
}
