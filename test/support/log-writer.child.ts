// As log-appender.child.ts, by a bare writer that always has a compaction under way: with batches that make the log so long
// that a worker does it.
import { writeSync } from "node:fs";
import { SnapshotWriter } from "../../src/log/index.js";
import { nextTurn } from "../../src/platform/index.js";
import { WatchCursor } from "../../src/values/index.js";
import { updateAt } from "./revisions.js";

const BATCH = 7;
const BATCHES_A_TURN = 20;
const [path = ""] = process.argv.slice(2);
let revision = 0;
const writer = await SnapshotWriter.open(path, 1.5 * 1024 * 1024, {
  onCorruption: "throw",
  replay: {
    update: () => undefined,
    cursor: (cursor) => {
      revision = Number(cursor.toU64() ?? 0n);
    },
  },
});
for (;;) {
  for (let batch = 0; batch < BATCHES_A_TURN; batch += 1) {
    for (let update = 0; update < BATCH; update += 1) writer.writeUpdate(updateAt((revision += 1)));
    const isDue = await writer.checkpoint(WatchCursor.fromU64(revision));
    say(revision);
    if (isDue) void writer.compact();
  }
  await nextTurn();
}

/** Nobody hears of it where whoever reads has not kept up. */
function say(acknowledged: number): void {
  try {
    writeSync(1, `${acknowledged}\n`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
  }
}
