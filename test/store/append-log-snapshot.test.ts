import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { readSnapshot, SnapshotWriter, verify } from "../../src/log/index.js";
import { nextTurn } from "../../src/platform/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { WatchCursor } from "../../src/values/index.js";
import { HUGE, withCode } from "../support/log-files.js";
import { GatedFileSystem } from "../support/gated-file-system.js";
import { MemoryFileSystem, systemError } from "../support/memory-file-system.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";
import { at, del, put, told } from "../support/updates.js";

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

test("options that only plain JavaScript lets through are refused by name, and nothing is made", async () => {
  await using directory = await tempDirectory();
  const path = directory.file("log.snap");
  const wrong: readonly (readonly [unknown, object, RegExp])[] = [
    [path, { durability: "x" }, /^durability must be "process" or "power", not 'x'/],
    [path, { format: 9 }, /^format must be 2 or 3, not 9/],
    [undefined, {}, /^path must be /],
  ];
  for (const [where, options, message] of wrong) {
    await assert.rejects(AppendLogSnapshot.open(where as string, options), {
      code: "invalid-argument",
      message,
    });
  }
  await assert.rejects(stat(path));
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
    let revision = 0;
    let size = 0;
    let compactions = 0;
    await until("it was compacted three times", async () => {
      for (let count = 0; count < 20; count += 1) {
        revision += 1;
        await store.apply([put("a", `${revision}`, revision)], at(revision));
      }
      const now = (await stat(path)).size;
      if (now < size) compactions += 1;
      size = now;
      return compactions === 3;
    });
    await store.close();
    const entries = (await readSnapshot(path))?.entries.values() ?? [];
    assert.deepEqual(told(entries), [`a=${revision}@${revision}`]);
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
    await until("it is compacted", () => renames === 1);
    await store.close();
  });

  test("goes on beside the batches: those taken meanwhile are in the new file", async () => {
    const fs = new GatedFileSystem();
    await using store = await AppendLogSnapshot.open(PATH, { fs });
    await store.apply([put("a", "1", 1), put("b", "2", 2), put("c", "3", 3)], at(3));
    await store.apply([put("a", "4", 4)], at(4));
    const dumping = fs.hold(({ name }) => name === "write");
    const compacted = store.compact();
    await dumping;
    await store.apply([put("a", "5", 5), del("b", 6), put("d", "7", 7)], at(7));
    fs.release();
    await store.apply([put("c", "8", 8)], at(8), { origin: "elsewhere" });
    await compacted;
    await store.apply([put("e", "9", 9)], at(9));
    const now = ["a=5@5", "c=8@8", "d=7@7", "e=9@9"];
    assert.deepEqual(told(store.range("")), now);
    await store.close();
    await using again = await AppendLogSnapshot.open(PATH, { fs });
    assert.deepEqual(told(again.range("")), now);
    assert.deepEqual([again.cursor().toU64(), again.origin()], [9n, "elsewhere"]);
  });

  test("that is under way is brought to its end by a close", async () => {
    const fs = new GatedFileSystem();
    const store = await AppendLogSnapshot.open(PATH, { fs });
    await store.apply([put("a", "1", 1)], at(1));
    await store.apply([put("a", "2", 2)], at(2));
    const dumping = fs.hold(({ name }) => name === "write");
    const compacted = store.compact();
    await dumping;
    const closed = store.close();
    fs.release();
    await Promise.all([closed, compacted]);
    assert.deepEqual(fs.names, [PATH]);
    const { result, records } = await verify(PATH, { fs });
    assert.deepEqual([result, records], ["ok", 1]);
  });

  test("that is due at the close comes before it, also where nothing was applied", async () => {
    const fs = new MemoryFileSystem();
    const old = await AppendLogSnapshot.open(PATH, { fs, format: 2 });
    await old.apply([put("a", "1", 1)], at(1));
    await old.close();
    await (await AppendLogSnapshot.open(PATH, { fs })).close();
    assert.equal((await verify(PATH, { fs })).format, 3);
  });

  test("keeps up with batches that never give way", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    await using store = await AppendLogSnapshot.open(path, { compactThreshold: 100_000 });
    const value = "x".repeat(20_000);
    let largest = 0;
    for (let revision = 1; revision <= 1000; revision += 1) {
      await store.apply([put(`k${revision % 5}`, value, revision)], at(revision));
      if (revision % 20 === 0) largest = Math.max(largest, statSync(path).size);
    }
    assert.ok(largest < 2_000_000, `20 MB were written, and the log had ${largest} bytes`);
  });

  test("heals a byte that went bad on disk under a live store", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    await using store = await AppendLogSnapshot.open(path, { compactThreshold: 400 });
    await store.apply([put("a", "1", 1), put("b", "2", 2)], at(2));
    const bytes = await readFile(path);
    bytes[30] = 0xff;
    await writeFile(path, bytes);
    await store.apply([put("b", "3", 3)], at(3));
    await assert.rejects(verify(path), withCode("corrupted"));
    await store.compact();
    await verify(path);
    const entries = (await readSnapshot(path))?.entries.values() ?? [];
    assert.deepEqual(told(entries), ["a=1@1", "b=3@3"]);
  });

  test("that fails does not fail the batch, is told, and is tried again later but not at once", async () => {
    const fs = new MemoryFileSystem();
    const store = await AppendLogSnapshot.open(PATH, { fs, compactThreshold: 2000 });
    let attempts = 0;
    fs.setHook(({ name }) => {
      if (name !== "rename") return undefined;
      attempts += 1;
      return { error: systemError("ENOSPC"), partialBytes: 0 };
    });
    let revision = 0;
    const applyUntil = async (what: string, condition: () => boolean): Promise<number> => {
      const from = revision;
      await until(what, async () => {
        revision += 1;
        await store.apply([put("a", `${revision}`, revision)], at(revision));
        return condition();
      });
      return revision - from;
    };
    await applyUntil("it has failed", () => store.compactionError !== undefined);
    assert.equal(store.compactionError?.code, "io");
    const between = await applyUntil("it has failed again", () => attempts === 2);
    // Some 45 bytes each: another threshold's worth.
    assert.ok(between > 2000 / 60, `tried again after ${between} batches`);
    fs.setHook(() => undefined);
    await applyUntil("it has succeeded", () => store.compactionError === undefined);
    await store.close();
    const entries = (await readSnapshot(PATH, { fs }))?.entries.values() ?? [];
    assert.deepEqual(told(entries), [`a=${revision}@${revision}`]);
    assert.deepEqual(fs.names, [PATH]);
  });
});

test("what a healing rewrote counts from its new size on, and an earlier failed compaction no longer", async () => {
  const fs = new MemoryFileSystem();
  await using store = await AppendLogSnapshot.open(PATH, { fs, compactThreshold: 1000 });
  let revision = 0;
  const one = (): Promise<void> => {
    revision += 1;
    return store.apply([put("k", "x".repeat(500), revision)], at(revision));
  };
  fs.setHook(({ name }) =>
    name === "rename" ? { error: systemError("EIO"), partialBytes: 0 } : undefined,
  );
  await until("it has failed at a large size", async () => {
    await one();
    return store.compactionError !== undefined && (await fs.stat(PATH))!.size > 20_000;
  });
  fs.setHook(({ name }) =>
    name === "writeSync" || name === "truncateSync"
      ? { error: systemError("EIO"), partialBytes: 3 }
      : undefined,
  );
  await assert.rejects(one(), withCode("io"));
  fs.setHook(() => undefined);
  await one();
  assert.equal(store.compactionError, undefined);
  let largest = 0;
  for (let count = 0; count < 40; count += 1) {
    await one();
    await nextTurn();
    largest = Math.max(largest, (await fs.stat(PATH))!.size);
  }
  assert.ok(largest < 10_000, `it grew to ${largest} bytes`);
});

test("entries that do not fit into memory are refused whole, and the log does not grow", async () => {
  const fs = new MemoryFileSystem();
  await using store = await AppendLogSnapshot.open(PATH, { fs, maxMemoryBytes: 4 * 1024 * 1024 });
  await store.apply([put("a", "1", 1)], at(1));
  const { size } = (await fs.stat(PATH)) ?? { size: 0 };
  const many = Array.from({ length: 100 }, (_, index) =>
    put(`k${index}`, "x".repeat(100_000), index + 2),
  );
  await assert.rejects(store.apply(many, at(101)), withCode("too-large"));
  assert.deepEqual(told(store.range("")), ["a=1@1"]);
  assert.equal((await fs.stat(PATH))?.size, size);
  await store.apply(many.slice(0, 2), at(3));
  assert.equal(store.size, 3);
});

for (const durability of ["process", "power"] as const) {
  test(`a batch is seen only once it is as durable as asked for (${durability})`, async () => {
    const fs = new GatedFileSystem();
    await using store = await AppendLogSnapshot.open(PATH, { fs, durability });
    const syncing = fs.hold(({ name }) => name === "sync");
    const applied = store.apply([put("a", "1", 1)], at(1));
    if (durability === "power") {
      await syncing;
      assert.deepEqual([store.get("a"), store.cursor().isNone], [undefined, true]);
      fs.release();
    }
    await applied;
    assert.equal(store.cursor().toU64(), 1n);
  });
}

test("a position that was withdrawn does not come back where its withdrawal is what is damaged", async () => {
  const made = new MemoryFileSystem();
  const store = await AppendLogSnapshot.open(PATH, { fs: made, compactThreshold: HUGE });
  await store.apply([put("a", "1", 100)], at(100), { origin: "origin" });
  const from = made.content(PATH)?.length ?? 0;
  await store.apply([], WatchCursor.none, { origin: "origin" });
  const to = made.content(PATH)?.length ?? 0;
  await store.close();
  const again = await AppendLogSnapshot.open(PATH, { fs: made, compactThreshold: HUGE });
  await again.apply([put("a", "2", 50)], at(50), { origin: "origin" });
  await again.apply([put("a", "3", 51)], at(51), { origin: "origin" });
  await again.close();
  for (let offset = from; offset < to; offset += 1) {
    const bytes = Buffer.from(made.content(PATH) ?? []);
    bytes[offset] = (bytes[offset] ?? 0) ^ 1;
    const fs = new MemoryFileSystem();
    (await fs.open(PATH, "create")).writeSync(bytes, 0);
    await using healed = await AppendLogSnapshot.open(PATH, { fs });
    assert.deepEqual(healed.cursor(), WatchCursor.none, `byte ${offset}`);
    assert.deepEqual([healed.origin(), ...told(healed.range(""))], ["origin", "a=1@100"]);
  }
});
