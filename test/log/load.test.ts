import assert from "node:assert/strict";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { load, readSnapshot, SnapshotWriter, staleKeys, verify } from "../../src/log/index.js";
import { WatchCursor } from "../../src/values/index.js";
import { appendTo, contentsOf, HUGE, isEmptyLog, withCode } from "../support/log-files.js";
import { MemoryFileSystem } from "../support/memory-file-system.js";
import { tempDirectory } from "../support/temp-directory.js";
import { at, del, purge, put, told } from "../support/updates.js";

const MiB = 1024 * 1024;
const PATH = "/disk/log.snap";

describe("a snapshot log", () => {
  test("loads what was written: last write wins, a delete and a purge remove, the last cursor stands", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    const writer = await SnapshotWriter.open(path, HUGE);
    for (const update of [put("a", "1", 1), put("b", "2", 2), put("c", "3", 3)]) {
      writer.writeUpdate(update);
    }
    await writer.checkpoint(at(3));
    for (const update of [put("a", "4", 4), del("b", 5), purge("c", 6)]) writer.writeUpdate(update);
    await writer.checkpoint(at(6));
    await writer.close();
    const snapshot = await load(path);
    assert.deepEqual(told(snapshot?.entries.values() ?? []), ["a=4@4"]);
    assert.equal(snapshot?.cursor.toU64(), 6n);
  });

  test("goes on where an earlier writer ended", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    await appendTo(path, ["a", "1", 1]);
    await appendTo(path, ["b", "2", 2]);
    assert.deepEqual(await contentsOf(path), ["a=1@1", "b=2@2"]);
  });

  test("keeps values of 0, 100,000 and 16 MiB bytes and keys of 65,535", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    const key = "k".repeat(65_535);
    const large = new Uint8Array(16 * MiB).fill(7);
    await appendTo(
      path,
      ["", "", 1],
      [key, "v", 2],
      ["mid", "x".repeat(100_000), 3],
      ["large", large, 4],
    );
    const entries = (await load(path))?.entries;
    assert.equal(entries?.get("")?.value.length, 0);
    assert.equal(entries.get(key)?.version.toU64(), 2n);
    assert.equal(entries.get("mid")?.value.length, 100_000);
    assert.deepEqual(entries.get("large")?.value, large);
  });

  test("of nothing but a cursor loads with no entries, and of nothing at all as nothing", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    assert.equal(await load(path), undefined);
    await appendTo(path);
    assert.equal((await load(path))?.entries.size, 0);
    const empty = directory.file("empty.snap");
    await (await SnapshotWriter.open(empty, HUGE)).close();
    assert.equal(await load(empty), undefined);
    assert.ok(isEmptyLog(await readFile(empty)));
  });

  test("is made readable by its owner only", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    await appendTo(path);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
  });

  test("names the keys that a fresh listing does not have", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    await appendTo(path, ["a", "1", 1], ["b", "2", 2], ["c", "3", 3]);
    const snapshot = await load(path);
    assert.ok(snapshot !== undefined);
    assert.deepEqual(staleKeys(snapshot, ["c", "z", "a"]), ["b"]);
  });
});

describe("loading", () => {
  test("rewrites a log that is not compact, sorted by the bytes of the key, and leaves a compact one as it is", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    for (const revision of [1, 2, 3]) {
      await appendTo(
        path,
        ["\u{1F600}", "x", revision],
        ["\uE000", "y", revision],
        ["b", "z", revision],
      );
    }
    const before = (await stat(path)).size;
    await load(path);
    const rewritten = await readFile(path);
    assert.ok(rewritten.length < before);
    assert.deepEqual([...((await load(path))?.entries.keys() ?? [])], ["b", "\uE000", "\u{1F600}"]);
    assert.deepEqual(await readFile(path), rewritten);
    assert.deepEqual(await readdir(directory.path), ["log.snap"]);
  });

  for (const [what, updates] of [
    ["nothing but an origin", [del("a", 2)]],
    ["an entry and an origin, without a cursor", [del("a", 2), put("a", "2", 3)]],
  ] as const) {
    test(`rewrites a log that adds up to ${what} once`, async () => {
      const fs = new MemoryFileSystem();
      const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
      writer.writeUpdate(put("a", "1", 1));
      await writer.checkpoint(at(1), { origin: "here" });
      for (const update of updates) writer.writeUpdate(update);
      await writer.checkpoint(WatchCursor.none);
      await writer.close();
      const contents: (Buffer | undefined)[] = [];
      for (let round = 0; round < 3; round += 1) {
        contents.push(Buffer.from(fs.content(PATH) ?? []));
        await load(PATH, { fs });
      }
      assert.notDeepEqual(contents[1], contents[0]);
      assert.deepEqual(contents[2], contents[1]);
    });
  }

  test("without changing the file drops a torn tail too", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    await appendTo(path, ["a", "1", 1], ["b", "2", 2]);
    const good = (await stat(path)).size;
    await appendTo(path, ["c", "3", 3]);
    const torn = (await readFile(path)).subarray(0, -3);
    await writeFile(path, torn);
    assert.deepEqual(await contentsOf(path), ["a=1@1", "b=2@2"]);
    const report = await verify(path);
    assert.equal(report.result, "ok");
    assert.equal(report.tornBytes, torn.length - good);
    assert.deepEqual(await readFile(path), torn);
  });

  test("with rewriting takes the lock, so that no writer is pulled away from its file", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    await appendTo(path, ["a", "1", 1], ["a", "2", 2]);
    await using _writer = await SnapshotWriter.open(path, HUGE);
    const before = await readFile(path);
    await assert.rejects(load(path), withCode("locked"));
    assert.deepEqual(await readFile(path), before);
    assert.deepEqual(await contentsOf(path), ["a=2@2"]);
  });

  test("syncs the new file, renames it, then syncs the directory", async () => {
    const fs = new MemoryFileSystem();
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
    for (const revision of [1, 2]) writer.writeUpdate(put("a", `${revision}`, revision));
    await writer.close();
    const steps: string[] = [];
    fs.setHook(({ name }) => {
      if (/^(?:sync|rename)/.test(name)) steps.push(name);
      return undefined;
    });
    await load(PATH, { fs });
    assert.deepEqual(steps, ["sync", "rename", "syncDirectory"]);
  });

  test("drops what its writer takes back while it is read, and calls it no damage", async () => {
    const fs = new MemoryFileSystem();
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs, bufferBytes: 100 });
    writer.writeUpdate(put("a", "1", 1));
    await writer.checkpoint(at(1));
    const acknowledged = writer.size;
    for (let revision = 2; revision < 20; revision += 1) {
      writer.writeUpdate(put("b", "2", revision));
    }
    assert.ok((fs.content(PATH)?.length ?? 0) > acknowledged);
    fs.setHook(({ name }) => {
      // The reader has asked for the size by then.
      if (name === "read") writer.discard();
      return undefined;
    });
    const report = await verify(PATH, { fs });
    assert.deepEqual([report.records, report.bytes, report.tornBytes], [1, acknowledged, 0]);
    await writer.close();
  });

  test("takes in what a writer added between the first look and the lock", async () => {
    const fs = new MemoryFileSystem();
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
    for (const revision of [1, 2]) writer.writeUpdate(put("a", `${revision}`, revision));
    await writer.checkpoint(at(2));
    await writer.close();
    const late = async (): Promise<void> => {
      const second = await SnapshotWriter.open(PATH, HUGE, { fs });
      second.writeUpdate(put("late", "!", 3));
      await second.checkpoint(at(3));
      await second.close();
    };
    let added: Promise<void> | undefined;
    const race = new Proxy(fs, {
      get(target, name) {
        if (name !== "lock") return Reflect.get(target, name).bind(target) as unknown;
        return async (path: string) => {
          await (added ??= late());
          return await target.lock(path);
        };
      },
    });
    const snapshot = await load(PATH, { fs: race });
    assert.deepEqual(told(snapshot?.entries.values() ?? []), ["a=2@2", "late=!@3"]);
    assert.equal((await readSnapshot(PATH, { fs }))?.cursor.toU64(), 3n);
  });
});
