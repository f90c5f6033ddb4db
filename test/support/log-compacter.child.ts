// Writes to the log that the command line names last, so much of the same few keys that a worker compacts it, compacts it, and
// prints its size and how many workers there were.
import { SnapshotWriter } from "../../src/log/index.js";
import { countWorkers } from "./count-workers.js";
import { at, put } from "./updates.js";

const path = process.argv.at(-1) ?? "";
const writer = await SnapshotWriter.open(path, Number.MAX_SAFE_INTEGER);
for (let revision = 1; revision <= 2000; revision += 1) {
  writer.writeUpdate(put(`k${revision % 10}`, "x".repeat(1000), revision));
}
await writer.checkpoint(at(2000));
using workers = countWorkers();
await writer.compact();
process.stdout.write(JSON.stringify({ size: writer.size, workers: workers.count }));
await writer.close();
