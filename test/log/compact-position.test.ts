import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SnapshotWriter, type LogFormat } from "../../src/log/index.js";
import { HUGE } from "../support/log-files.js";
import { MemoryFileSystem } from "../support/memory-file-system.js";
import { at, del, put } from "../support/updates.js";

const PATH = "/disk/log.snap";

/** What the log says, in order: `a=1` for a put, `-a` for a removal, `@1` for a position. */
async function sayings(fs: MemoryFileSystem): Promise<string[]> {
  const said: string[] = [];
  const writer = await SnapshotWriter.open(PATH, HUGE, {
    fs,
    replay: {
      update(update) {
        const { kind, key } = update;
        said.push(kind === "put" ? `${key}=${Buffer.from(update.value).toString()}` : `-${key}`);
      },
      cursor: (cursor) => said.push(`@${cursor.toU64()}`),
    },
  });
  await writer.close();
  return said;
}

function opened(fs: MemoryFileSystem, format: LogFormat): Promise<SnapshotWriter> {
  return SnapshotWriter.open(PATH, HUGE, { fs, format });
}

/** Two positions, and flushed behind them half a group that none has come for yet. */
async function halfGroup(writer: SnapshotWriter): Promise<void> {
  for (const revision of [1, 2]) {
    writer.writeUpdate(put("b", `${revision}`, revision));
    writer.writeUpdate(put("a", `${revision}`, revision));
    await writer.checkpoint(at(revision));
  }
  writer.writeUpdate(put("a", "3", 3));
  writer.writeUpdate(del("b", 3));
  await writer.flush();
}

const HALF_GROUP = ["a=2", "b=2", "@2", "a=3", "-b"];

for (const format of [2, 3] as const) {
  describe(`what was written behind the last position, in format ${format},`, () => {
    test("stays behind it in a compaction", async () => {
      const fs = new MemoryFileSystem();
      const writer = await opened(fs, format);
      await halfGroup(writer);
      await writer.compact();
      await writer.close();
      assert.deepEqual(await sayings(fs), HALF_GROUP);
    });

    test("stays behind it in another one, in which the first has put both elsewhere", async () => {
      const fs = new MemoryFileSystem();
      const writer = await opened(fs, format);
      await halfGroup(writer);
      await Promise.all([writer.compact(), writer.compact()]);
      writer.writeUpdate(put("c", "4", 4));
      await writer.compact();
      await writer.close();
      assert.deepEqual(await sayings(fs), [...HALF_GROUP, "c=4"]);
    });

    test("stays behind it in one after the log was opened again", async () => {
      const fs = new MemoryFileSystem();
      const first = await opened(fs, format);
      await halfGroup(first);
      await first.close();
      const writer = await opened(fs, format);
      await writer.compact();
      await writer.close();
      assert.deepEqual(await sayings(fs), HALF_GROUP);
    });

    test("is folded in where there is no position at all, each time", async () => {
      const fs = new MemoryFileSystem();
      const writer = await opened(fs, format);
      for (const value of ["1", "2", "3"]) {
        writer.writeUpdate(put("a", value, 1));
        await writer.compact();
      }
      await writer.close();
      assert.deepEqual(await sayings(fs), ["a=3"]);
    });

    test("is folded in once a position has come behind it", async () => {
      const fs = new MemoryFileSystem();
      const writer = await opened(fs, format);
      await halfGroup(writer);
      await writer.compact();
      await writer.checkpoint(at(3));
      await writer.compact();
      await writer.close();
      assert.deepEqual(await sayings(fs), ["a=3", "@3"]);
    });

    test("stays behind it in a compaction to the other format, and in the next", async () => {
      const fs = new MemoryFileSystem();
      const first = await opened(fs, format);
      await halfGroup(first);
      await first.close();
      const writer = await opened(fs, format === 2 ? 3 : 2);
      await writer.compact();
      await writer.compact();
      await writer.close();
      assert.deepEqual(await sayings(fs), HALF_GROUP);
    });
  });
}

test("what was written behind a rewrite's position stays behind it in a compaction", async () => {
  for (const format of [2, 3] as const) {
    const fs = new MemoryFileSystem();
    const writer = await opened(fs, format);
    await halfGroup(writer);
    const { kind: _, ...entry } = put("a", "3", 3) as ReturnType<typeof put> & { kind: "put" };
    await writer.rewrite([entry], at(3));
    writer.writeUpdate(put("a", "4", 4));
    await writer.compact();
    await writer.close();
    assert.deepEqual(await sayings(fs), ["a=3", "@3", "a=4"]);
  }
});

test("what was written behind the first position, which a rewrite has brought, stays behind it in a compaction", async () => {
  const fs = new MemoryFileSystem();
  const writer = await opened(fs, 3);
  const { kind: _, ...entry } = put("a", "1", 1) as ReturnType<typeof put> & { kind: "put" };
  await writer.rewrite([entry], at(1));
  writer.writeUpdate(put("a", "2", 2));
  await writer.compact();
  await writer.close();
  assert.deepEqual(await sayings(fs), ["a=1", "@1", "a=2"]);
});
