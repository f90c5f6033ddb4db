import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readSnapshot, verify } from "../../src/log/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { WatchCursor } from "../../src/values/index.js";
import { GatedFileSystem } from "../support/gated-file-system.js";
import { withCode } from "../support/log-files.js";
import { MemoryFileSystem, systemError } from "../support/memory-file-system.js";
import { until } from "../support/until.js";
import { at, del, put, told } from "../support/updates.js";

const PATH = "/disk/log.snap";

async function kept(fs: MemoryFileSystem): Promise<unknown> {
  const loaded = await readSnapshot(PATH, { fs });
  return [loaded?.cursor.toU64(), loaded?.origin];
}

describe("the origin of a position", () => {
  test("is in the log again after a healing that converts it", async () => {
    const fs = new MemoryFileSystem();
    const old = await AppendLogSnapshot.open(PATH, { fs, format: 2 });
    await old.apply([put("a", "1", 1)], at(1));
    await old.close();
    await using store = await AppendLogSnapshot.open(PATH, { fs });
    const failing = (...names: string[]): void =>
      fs.setHook(({ name }) =>
        names.includes(name) ? { error: systemError("EIO"), partialBytes: 3 } : undefined,
      );
    failing("rename");
    await store.apply([], at(2), { origin: "here" });
    await until("its conversion has failed", () => store.compactionError !== undefined);
    failing("writeSync", "truncateSync");
    await assert.rejects(store.apply([], at(3), { origin: "here" }), withCode("io"));
    failing();
    await store.apply([], at(3), { origin: "here" });
    assert.deepEqual(await kept(fs), [3n, "here"]);
  });

  test("is in the log after a conversion that ended while a batch waited for its sync", async () => {
    const fs = new GatedFileSystem();
    const old = await AppendLogSnapshot.open(PATH, { fs, format: 2 });
    await old.apply([put("a", "1", 1)], at(1));
    await old.close();
    await using store = await AppendLogSnapshot.open(PATH, { fs, durability: "power" });
    const renaming = fs.hold(({ name }) => name === "rename");
    await store.apply([], at(2), { origin: "here" });
    await renaming;
    const applied = store.apply([], at(3), { origin: "here" });
    fs.release();
    await applied;
    await until("it holds the origin itself", () => store.holdsOrigin);
    await store.apply([], at(4), { origin: "here" });
    assert.deepEqual(await kept(fs), [4n, "here"]);
  });

  test("is said again by the first position after one was withdrawn", async () => {
    const fs = new MemoryFileSystem();
    await using store = await AppendLogSnapshot.open(PATH, { fs });
    await store.apply([put("a", "1", 1)], at(1), { origin: "the bucket b" });
    await store.apply([], WatchCursor.none, { origin: "the bucket b" });
    await store.apply([], at(1), { origin: "the bucket b" });
    const content = Buffer.from(fs.content(PATH) ?? []).toString("latin1");
    assert.equal(content.split("the bucket b").length - 1, 2);
  });
});

describe("a log of format 2", () => {
  test("is rewritten in format 3 beside the first batches, with all that it held", async () => {
    const fs = new MemoryFileSystem();
    const old = await AppendLogSnapshot.open(PATH, { fs, format: 2 });
    await old.apply([put("a", "1", 1), put("b", "2", 2)], at(2), { origin: "not kept" });
    await old.close();
    assert.equal((await verify(PATH, { fs })).format, 2);
    await using store = await AppendLogSnapshot.open(PATH, { fs });
    assert.deepEqual([store.origin(), store.cursor().toU64()], [undefined, 2n]);
    await store.apply([put("c", "3", 3)], at(3), { origin: "here" });
    await until("it holds the origin itself", () => store.holdsOrigin);
    await store.apply([], at(4), { origin: "here" });
    await store.close();
    assert.equal((await verify(PATH, { fs })).format, 3);
    await using again = await AppendLogSnapshot.open(PATH, { fs });
    assert.deepEqual(told(again.range("")), ["a=1@1", "b=2@2", "c=3@3"]);
    assert.deepEqual([again.cursor().toU64(), again.origin()], [4n, "here"]);
  });

  test("stays one where that is asked for, also when it is compacted", async () => {
    const fs = new MemoryFileSystem();
    await using store = await AppendLogSnapshot.open(PATH, { fs, format: 2 });
    await store.apply([put("a", "1", 1), put("b", "2", 2)], at(2), { origin: "elsewhere" });
    await store.apply([put("a", "3", 3)], at(3), { origin: "elsewhere" });
    assert.equal(store.holdsOrigin, false);
    await store.compact();
    await store.apply([del("b", 4)], at(4));
    const { result, format, records } = await verify(PATH, { fs });
    assert.deepEqual([result, format, records], ["ok", 2, 5]);
  });
});
