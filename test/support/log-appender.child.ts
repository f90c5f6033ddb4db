// Appends batches to the log named on the command line, with small compactions in between, and prints each cursor once it
// is acknowledged. What it writes follows from the revision alone, so that whoever reads the log can tell what must be in it.
import { writeSync } from "node:fs";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { WatchCursor } from "../../src/values/index.js";
import { updateAt } from "./revisions.js";

const BATCH = 7;
const [path = ""] = process.argv.slice(2);
const store = await AppendLogSnapshot.open(path, { compactThreshold: 20_000 });
let revision = Number(store.cursor().toU64() ?? 0n);
for (;;) {
  const batch = Array.from({ length: BATCH }, (_, index) => updateAt(revision + index + 1));
  revision += BATCH;
  await store.apply(batch, WatchCursor.fromU64(revision));
  // Synchronous: what was acknowledged must be out before the next write begins.
  writeSync(1, `${revision}\n`);
}
