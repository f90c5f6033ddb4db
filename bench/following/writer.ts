// Writes small batches at a steady rate into a log that is compacted as it goes, for other processes to follow.
import { openSync, statSync, writeSync } from "node:fs";
import { VersionToken, WatchCursor, type KvPut } from "../../src/values/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { Dataset, randomFrom, VALUE_BYTES } from "../data.js";
import { settledMemory } from "../harness/settled-memory.js";
import {
  answer,
  nowMs,
  NUMBER_KEY,
  takeOrder,
  watchCores,
  type WriterOrder,
  type WriterReport,
} from "./protocol.js";

const BATCHES_PER_SECOND = 200;
const UPDATES_A_BATCH = 10;
/** Small, so that compactions come by the second. */
const COMPACT_BYTES = 256 * 1024;

const order = takeOrder(({ kind }) => {
  if (kind === "begin") void write().then(answer);
}) as WriterOrder;
const data = new Dataset(order.keys, order.seed);
const number = openSync(order.numberPath, "w");
const before = await settledMemory();
const store = await AppendLogSnapshot.open(order.path, { compactThreshold: COMPACT_BYTES });
for (const block of data.blocks(order.keys)) {
  for (const { updates, cursor } of block) await store.apply(updates, cursor);
}
const memoryBytes = (await settledMemory()).rss - before.rss;
answer("ready");

async function write(): Promise<WriterReport> {
  const random = randomFrom(order.seed + 7);
  const indexes = data.sample(order.batches * UPDATES_A_BATCH, 37);
  const resolvedMs: number[] = [];
  const latenciesMs: number[] = [];
  let file = statSync(order.path).ino;
  let compactions = 0;
  const stopCores = watchCores();
  const startedAt = nowMs();
  for (let batch = 1; batch <= order.batches; batch += 1) {
    // Somewhere within its interval, so that writer and readers do not fall into step.
    await waitUntil(startedAt + ((batch - 1 + random()) * 1000) / BATCHES_PER_SECOND);
    const updates = updatesOf(batch, indexes);
    const sentAt = nowMs();
    await store.apply(updates, WatchCursor.fromU64(order.keys + batch));
    const resolvedAt = nowMs();
    writeSync(number, numbered(batch), 0, VALUE_BYTES, 0);
    resolvedMs.push(resolvedAt);
    latenciesMs.push(resolvedAt - sentAt);
    const { ino } = statSync(order.path);
    if (ino !== file) compactions += 1;
    file = ino;
  }
  return { resolvedMs, latenciesMs, compactions, cores: stopCores(), memoryBytes };
}

function updatesOf(batch: number, indexes: Uint32Array): readonly KvPut[] {
  const revision = order.keys + batch;
  const from = (batch - 1) * UPDATES_A_BATCH;
  const updates = [...indexes.subarray(from + 1, from + UPDATES_A_BATCH)].map((index) =>
    data.put(index, revision),
  );
  const version = VersionToken.fromU64(revision);
  return [...updates, { kind: "put", key: NUMBER_KEY, value: numbered(batch), version }];
}

function numbered(batch: number): Uint8Array {
  const value = Buffer.alloc(VALUE_BYTES);
  value.writeBigUInt64LE(BigInt(batch));
  return value;
}

async function waitUntil(ms: number): Promise<void> {
  const left = ms - nowMs();
  if (left <= 0) return;
  await new Promise((resolve) => {
    setTimeout(resolve, left);
  });
}
