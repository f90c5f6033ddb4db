import assert from "node:assert/strict";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { readSnapshot, SnapshotWriter, verify } from "../../src/log/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { HUGE, withCode } from "../support/log-files.js";
import { MemoryFileSystem, systemError } from "../support/memory-file-system.js";
import { tempDirectory } from "../support/temp-directory.js";
import { at, put, told } from "../support/updates.js";

const PATH = "/disk/log.snap";

test("a log that a bare writer made opens as a store", async () => {
  await using directory = await tempDirectory();
  const path = directory.file("log.snap");
  const writer = await SnapshotWriter.open(path, HUGE);
  writer.writeUpdate(put("a", "1", 1));
  writer.writeUpdate(put("a", "2", 2));
  await writer.checkpoint(at(2));
  await writer.close();
  await using store = await AppendLogSnapshot.open(path);
  assert.deepEqual(told(store.range("")), ["a=2@2"]);
  assert.equal(store.cursor().toU64(), 2n);
});

test("opening makes the directory, and says what is in the way of it", async () => {
  await using directory = await tempDirectory();
  const path = join(directory.path, "a", "b", "log.snap");
  await (await AppendLogSnapshot.open(path)).close();
  assert.equal((await stat(path)).size, 24);
  await assert.rejects(AppendLogSnapshot.open(join(path, "log.snap")), withCode("io"));
});

test("a torn first record is gone after the open, and what is applied then is kept", async () => {
  await using directory = await tempDirectory();
  const path = directory.file("log.snap");
  await writeFile(path, Buffer.from("PGSS\x02\x00\x11\x22\x33\x44\x01\x05", "latin1"));
  const store = await AppendLogSnapshot.open(path);
  await store.apply([put("a", "1", 1)], at(1));
  await store.close();
  await using again = await AppendLogSnapshot.open(path);
  assert.deepEqual(told(again.range("")), ["a=1@1"]);
});

describe("a batch that cannot be taken", () => {
  test("because the log cannot hold one of its updates leaves no trace", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    await using store = await AppendLogSnapshot.open(path);
    await store.apply([put("a", "1", 1)], at(1));
    const before = await readFile(path);
    const bad = store.apply([put("b", "2", 2), put("k".repeat(70_000), "", 3)], at(3));
    await assert.rejects(bad, withCode("invalid-format"));
    assert.deepEqual(await readFile(path), before);
    assert.deepEqual(told(store.range("")), ["a=1@1"]);
    assert.equal(store.cursor().toU64(), 1n);
    await store.apply([put("b", "2", 2)], at(2));
    assert.deepEqual(told(store.range("")), ["a=1@1", "b=2@2"]);
  });

  test("because the disk is full is taken whole when it is given again", async () => {
    const fs = new MemoryFileSystem();
    const store = await AppendLogSnapshot.open(PATH, { fs });
    const batch = [put("a", "1", 1), put("large", "x".repeat(300_000), 2), put("b", "2", 3)];
    fs.setHook(({ name }) =>
      name === "writeSync" ? { error: systemError("ENOSPC"), partialBytes: 1000 } : undefined,
    );
    await assert.rejects(store.apply(batch, at(3)), withCode("io"));
    assert.equal(store.size, 0);
    assert.ok(store.cursor().isNone);
    fs.setHook(() => undefined);
    await store.apply(batch, at(3));
    await store.close();
    const report = await verify(PATH, { fs });
    assert.deepEqual([report.result, report.records, report.tornBytes], ["ok", 3, 0]);
  });
});

test("a torn write that cannot be cut off costs one batch; the next one goes to a new, whole file", async () => {
  const fs = new MemoryFileSystem();
  const store = await AppendLogSnapshot.open(PATH, { fs });
  await store.apply([put("a", "1", 1)], at(1));
  fs.setHook(({ name }) =>
    name === "writeSync" || name === "truncateSync"
      ? { error: systemError("EIO"), partialBytes: 40 }
      : undefined,
  );
  await assert.rejects(store.apply([put("b", "2", 2), put("c", "3", 3)], at(3)), withCode("io"));
  await assert.rejects(store.apply([put("b", "2", 2), put("c", "3", 3)], at(3)), withCode("io"));
  fs.setHook(() => undefined);
  await store.apply([put("d", "4", 4)], at(4));
  await store.close();
  const snapshot = await readSnapshot(PATH, { fs });
  assert.deepEqual(told(snapshot?.entries.values() ?? []), ["a=1@1", "d=4@4"]);
  assert.equal((await verify(PATH, { fs })).tornBytes, 0);
});

describe("compaction", () => {
  test("comes when the dead bytes exceed the threshold, and leaves the live entries", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    await using store = await AppendLogSnapshot.open(path, { compactThreshold: 2000 });
    let largest = 0;
    for (let revision = 1; revision <= 500; revision += 1) {
      await store.apply([put("a", `${revision}`, revision)], at(revision));
      largest = Math.max(largest, (await stat(path)).size);
    }
    assert.ok(largest < 2200, `the log grew to ${largest} bytes`);
    assert.deepEqual(told((await readSnapshot(path))?.entries.values() ?? []), ["a=500@500"]);
  });

  test("does not rewrite a large log at its first update after an open, nor for a few dead bytes", async () => {
    const fs = new MemoryFileSystem();
    const filler = put("large", "x".repeat(100_000), 1);
    const first = await AppendLogSnapshot.open(PATH, { fs, compactThreshold: 1000 });
    await first.apply([filler], at(1));
    await first.close();
    let renames = 0;
    fs.setHook(({ name }) => {
      if (name === "rename") renames += 1;
      return undefined;
    });
    const store = await AppendLogSnapshot.open(PATH, { fs, compactThreshold: 1000 });
    for (let revision = 2; revision < 1000; revision += 1) {
      await store.apply([put("a", `${revision}`, revision)], at(revision));
    }
    assert.equal(renames, 0);
    await store.apply([filler], at(1000));
    assert.equal(renames, 1);
    await store.close();
  });

  test("heals a byte that went bad on disk under a live store", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    await using store = await AppendLogSnapshot.open(path, { compactThreshold: 400 });
    await store.apply([put("a", "1", 1), put("b", "2", 2)], at(2));
    const bytes = await readFile(path);
    bytes[12] = 0xff;
    await writeFile(path, bytes);
    await assert.rejects(verify(path), withCode("corrupted"));
    for (let revision = 3; revision < 20; revision += 1) {
      await store.apply([put("b", `${revision}`, revision)], at(revision));
    }
    assert.equal(store.compactionError, undefined);
    await verify(path);
    assert.deepEqual(told((await readSnapshot(path))?.entries.values() ?? []), [
      "a=1@1",
      "b=19@19",
    ]);
  });

  test("that fails does not fail the batch, is told, and is tried again later but not at once", async () => {
    const fs = new MemoryFileSystem();
    const store = await AppendLogSnapshot.open(PATH, { fs, compactThreshold: 800 });
    let attempts = 0;
    fs.setHook(({ name }) => {
      if (name !== "rename") return undefined;
      attempts += 1;
      return { error: systemError("ENOSPC"), partialBytes: 0 };
    });
    let revision = 0;
    const applyMany = async (count: number): Promise<void> => {
      for (const end = revision + count; revision < end;) {
        revision += 1;
        await store.apply([put("a", `${revision}`, revision)], at(revision));
      }
    };
    await applyMany(30);
    assert.equal(attempts, 2);
    assert.equal(store.compactionError?.code, "io");
    fs.setHook(() => undefined);
    await applyMany(30);
    assert.equal(store.compactionError, undefined);
    await store.close();
    assert.deepEqual(told((await readSnapshot(PATH, { fs }))?.entries.values() ?? []), ["a=60@60"]);
    assert.deepEqual(fs.names, [PATH]);
  });
});
