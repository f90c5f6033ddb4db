// Opens the log named on the command line again and again, as soon as nobody else has it, writes to it and gives it up. Says
// in the journal named after it what it does while it has it: each line by one appending write, so that the lines of several
// such processes are in the order in which they were written.
import { openSync, writeSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { isMillpondError } from "../../src/errors/index.js";
import { SnapshotWriter } from "../../src/log/index.js";
import { WatchCursor } from "../../src/values/index.js";
import { updateAt } from "./revisions.js";
import { integerBelow, randomFrom } from "./seed.js";

const [path = "", journal = "", seed = ""] = process.argv.slice(2);
const random = randomFrom(Number(seed));
const file = openSync(journal, "a");
const say = (what: string): number => writeSync(file, `${process.pid} ${what}\n`);

for (;;) {
  let revision = 0;
  try {
    await using writer = await SnapshotWriter.open(path, 20_000, {
      onCorruption: "throw",
      replay: {
        update: () => undefined,
        cursor: (cursor) => {
          revision = Number(cursor.toU64() ?? 0n);
        },
      },
    });
    say(`acquired ${revision}`);
    await write(writer);
    say("released");
  } catch (error) {
    if (!isMillpondError(error, "locked")) {
      say(`failed ${String(error)}`);
      throw error;
    }
    await delay(integerBelow(random, 5));
  }

  async function write(writer: SnapshotWriter): Promise<void> {
    const beside: Promise<unknown>[] = [];
    for (let batch = integerBelow(random, 40); batch > 0; batch -= 1) {
      for (let update = integerBelow(random, 20); update >= 0; update -= 1) {
        writer.writeUpdate(updateAt((revision += 1)));
      }
      if (await writer.checkpoint(WatchCursor.fromU64(revision))) beside.push(writer.compact());
      say(`acknowledged ${revision}`);
    }
    // Some are given up by the close.
    if (random() < 0.5) await Promise.all(beside);
    else for (const compaction of beside) void compaction.catch(() => undefined);
  }
}
