// Writes batches to the log named on the command line: each sets the same number in every key of a group, so that a reader can
// tell a state that is half of one batch and half of another. Compacts beside that, and says "compacted" each time. Told to
// end, writes a last batch with the key "end" and prints what the log holds then.
import { writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { SnapshotWriter, type LogFormat } from "../../src/log/index.js";
import { compareKeys } from "../../src/rules/index.js";
import { WatchCursor, type KvEntry, type KvUpdate } from "../../src/values/index.js";
import { digestOf, groupKeys } from "./counted.js";
import { integerBelow, randomFrom } from "./seed.js";
import { del, put } from "./updates.js";

const COMPACT_THRESHOLD = 20_000;
const [path = "", seed = "0", format = "3"] = process.argv.slice(2);
const random = randomFrom(Number(seed));
const entries = new Map<string, KvEntry>();
let counter = 0;
const writer = await SnapshotWriter.open(path, COMPACT_THRESHOLD, {
  format: Number(format) as LogFormat,
  replay: {
    update: hold,
    cursor(cursor) {
      counter = Number(cursor.toU64() ?? 0n);
    },
  },
});
const ending = new AbortController();
process.stdin.on("data", () => ending.abort());
let compacting: Promise<void> | undefined;
while (!ending.signal.aborted) {
  const isDue = await append([]);
  if (isDue) compacting ??= compact();
  // Sometimes many batches in a row, sometimes one by itself.
  if (integerBelow(random, 8) === 0) await delay(integerBelow(random, 12));
}
await compacting;
await append([put("end", "1", counter + 1)]);
const inOrder = [...entries.values()].toSorted((a, b) => compareKeys(a.key, b.key));
writeSync(1, `${JSON.stringify({ counter, digest: digestOf(inOrder) })}\n`);
await writer.close();
process.exit(0);

async function compact(): Promise<void> {
  await writer.compact();
  writeSync(1, "compacted\n");
  compacting = undefined;
}

async function append(more: readonly KvUpdate[]): Promise<boolean> {
  counter += 1;
  const filler = `filler.${integerBelow(random, 50)}`;
  const batch = [
    ...groupKeys.map((key) => put(key, String(counter), counter)),
    integerBelow(random, 4) === 0
      ? del(filler, counter)
      : put(filler, "x".repeat(integerBelow(random, 400)), counter),
    put("sent", String(process.hrtime.bigint()), counter),
    ...more,
  ];
  for (const update of batch) {
    hold(update);
    writer.writeUpdate(update);
  }
  return await writer.checkpoint(WatchCursor.fromU64(counter));
}

function hold(update: KvUpdate): void {
  if (update.kind === "put") entries.set(update.key, update);
  else entries.delete(update.key);
}
