import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SnapshotWriter, type LogFormat } from "../../src/log/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { LaggingFileSystem } from "../support/lagging-file-system.js";
import { MemoryFileSystem } from "../support/memory-file-system.js";
import { at, put } from "../support/updates.js";

const PATH = "/disk/log.snap";
const KEYS = 20_000;
const BATCH = 1000;
const VALUE = Buffer.alloc(500, "v");
/** The most that is read at a time. */
const MIB = 1024 * 1024;
/** The most that is written at a time: two slices of a dump. */
const WRITE_BYTES = 512 * 1024;
/** New keys put into order between two turns. */
const SETTLED_KEYS = 2000;

/** Each read and write takes two turns of the event loop: one before it has its effect, one after it. */
function slowDisk(): LaggingFileSystem {
  return new LaggingFileSystem(() => 0.5);
}

/** A log of many keys in no order, each written twice; gives its size. */
async function writeLog(fs: MemoryFileSystem, format: LogFormat): Promise<number> {
  const writer = await SnapshotWriter.open(PATH, 1 << 30, { fs, format });
  for (let from = 0; from < 2 * KEYS; from += BATCH) {
    for (let number = from + 1; number <= from + BATCH; number += 1) {
      // 7919 is prime to the number of keys.
      writer.writeUpdate(put(`key-${(number * 7919) % KEYS}`, VALUE, number));
    }
    await writer.checkpoint(at(from + BATCH));
  }
  await writer.close();
  return fs.content(PATH)?.length ?? 0;
}

/** How often other work has its turn until it is done. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  const count = (): void => {
    turns += 1;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  await work();
  clearImmediate(next);
  return turns;
}

/** Of reading a log; what follows the last piece of each kind is another one's turn. */
function leastTurns(bytes: number): number {
  return Math.floor(bytes / MIB) - 1 + KEYS / SETTLED_KEYS - 1;
}

/** Lengths of what is written off the main thread. */
function watchWrites(fs: MemoryFileSystem): number[] {
  const lengths: number[] = [];
  fs.setHook(({ name, bytes = 0 }) => {
    if (name === "write") lengths.push(bytes);
    return undefined;
  });
  return lengths;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

describe("other work has its turn", () => {
  for (const format of [2, 3] as const) {
    test(`once in each megabyte, and in each 2000 new keys, of a log of format ${format} that is opened`, async () => {
      const fs = new MemoryFileSystem();
      const bytes = await writeLog(fs, format);
      const turns = await turnsDuring(async () => {
        const store = await AppendLogSnapshot.open(PATH, { fs, format, compactThreshold: 1 << 30 });
        assert.equal(store.size, KEYS);
      });
      assert.ok(bytes > 20 * MIB);
      assert.ok(turns >= leastTurns(bytes), `${turns} turns for ${bytes} bytes`);
    });

    test(`once in each 512 KiB that a compaction to format ${format} writes from memory`, async () => {
      const fs = slowDisk();
      await writeLog(fs, format);
      const store = await AppendLogSnapshot.open(PATH, { fs, format, compactThreshold: 1 << 30 });
      const written = watchWrites(fs);
      const turns = await turnsDuring(() => store.compact());
      assert.ok(Math.max(...written) <= WRITE_BYTES, `${Math.max(...written)}`);
      const bytes = sum(written);
      assert.ok(bytes > 10 * MIB && turns >= bytes / WRITE_BYTES, `${turns} turns, ${bytes} bytes`);
    });

    test(`as often while a bare writer's log of format ${format} is folded in its thread`, async () => {
      const fs = new MemoryFileSystem();
      const bytes = await writeLog(fs, format);
      const writer = await SnapshotWriter.open(PATH, 1 << 30, { fs });
      const written = watchWrites(fs);
      const turns = await turnsDuring(() => writer.compact());
      assert.ok(Math.max(...written) <= WRITE_BYTES, `${Math.max(...written)}`);
      assert.ok(turns >= leastTurns(bytes), `${turns} turns for ${bytes} bytes`);
    });
  }
});
