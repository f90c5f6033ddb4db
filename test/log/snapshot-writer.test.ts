import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { readSnapshot, SnapshotWriter, verify } from "../../src/log/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { VersionToken, WatchCursor, type KvPut, type KvUpdate } from "../../src/values/index.js";
import { HUGE, isEmptyLog, withCode } from "../support/log-files.js";
import { MemoryFileSystem, systemError } from "../support/memory-file-system.js";
import { at, del, put, told } from "../support/updates.js";

const MiB = 1024 * 1024;
const PATH = "/disk/log.snap";

function isInvalidArgument(error: unknown): boolean {
  return isMillpondError(error, "invalid-argument");
}

describe("writeUpdate refuses, before a byte is taken,", () => {
  for (const [what, update] of [
    ["a key over 65,535 bytes", put("k".repeat(65_536), "", 1)],
    ["a key over 65,535 bytes that has fewer characters", put("ü".repeat(32_768), "", 1)],
    ["the delete of such a key", del("k".repeat(65_536), 1)],
    ["a key with half a surrogate pair", put("a\ud800", "", 1)],
    ["a value over 16 MiB", put("k", new Uint8Array(16 * MiB + 1), 1)],
  ] as const) {
    test(what, async () => {
      const fs = new MemoryFileSystem();
      const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
      assert.throws(() => writer.writeUpdate(update), withCode("invalid-format"));
      await writer.close();
      assert.ok(isEmptyLog(fs.content(PATH)));
    });
  }
});

describe("what only a caller without types can pass", () => {
  const version = VersionToken.unknown;
  const noUpdates: [string, object][] = [
    ["a string as a value", { kind: "put", key: "k", value: "v", version }],
    ["a Uint16Array as a value", { kind: "put", key: "k", value: new Uint16Array(2), version }],
    ["an ArrayBuffer as a value", { kind: "put", key: "k", value: new ArrayBuffer(2), version }],
    ["no value", { kind: "put", key: "k", version }],
    ["an update of unknown kind", { kind: "set", key: "k", value: new Uint8Array(1), version }],
    ["an update of no kind", { key: "k", value: new Uint8Array(1), version }],
    ["a number as a key", { kind: "delete", key: 7, version }],
    ["a number as a version", { kind: "delete", key: "k", version: 7 }],
  ];
  for (const [what, update] of noUpdates) {
    test(`${what} is refused before a byte is taken`, async () => {
      const fs = new MemoryFileSystem();
      const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
      assert.throws(() => writer.writeUpdate(update as KvUpdate), isInvalidArgument);
      await writer.close();
      assert.ok(isEmptyLog(fs.content(PATH)));
    });
  }

  test("as a cursor or an entry is refused before a byte is taken", async () => {
    const fs = new MemoryFileSystem();
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
    const none = 7 as unknown as WatchCursor;
    await assert.rejects(writer.checkpoint(none), isInvalidArgument);
    await assert.rejects(writer.rewrite([], none), isInvalidArgument);
    const entries = [{ key: "k", value: "v", version }] as unknown as KvPut[];
    await assert.rejects(writer.rewrite(entries, at(1)), isInvalidArgument);
    await writer.close();
    assert.ok(isEmptyLog(fs.content(PATH)));
  });

  for (const bytes of [Number.NaN, -1, undefined, "1"]) {
    test(`${bytes} (${typeof bytes}) as a number of bytes is refused`, async () => {
      const fs = new MemoryFileSystem();
      const wrong = bytes as number;
      await assert.rejects(SnapshotWriter.open(PATH, wrong, { fs }), isInvalidArgument);
      if (bytes === undefined) return;
      const buffer = SnapshotWriter.open(PATH, HUGE, { fs, bufferBytes: wrong });
      await assert.rejects(buffer, isInvalidArgument);
      const store = AppendLogSnapshot.open(PATH, { fs, compactThreshold: wrong });
      await assert.rejects(store, isInvalidArgument);
      assert.deepEqual(fs.names, []);
    });
  }
});

describe("rewrite refuses, and leaves the log as it is,", () => {
  for (const [what, key, value] of [
    ["a key over 65,535 bytes", "k".repeat(70_000), ""],
    ["a key with half a surrogate pair", "a\ud800", ""],
    ["a value over 16 MiB", "k", new Uint8Array(16 * MiB + 1)],
  ] as const) {
    test(what, async () => {
      const fs = new MemoryFileSystem();
      const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
      writer.writeUpdate(put("a", "1", 1));
      await writer.checkpoint(at(1));
      const before = Buffer.from(fs.content(PATH) ?? "");
      const entries = [put("a", "1", 1), put(key, value, 2)] as KvPut[];
      await assert.rejects(writer.rewrite(entries, at(2)), withCode("invalid-format"));
      await writer.close();
      assert.deepEqual(fs.content(PATH), before);
      assert.deepEqual(fs.names, [PATH]);
    });
  }
});

describe("a write that fails", () => {
  test("half-way is taken back from the file, and the same call succeeds later", async () => {
    const fs = new MemoryFileSystem();
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
    writer.writeUpdate(put("a", "1", 1));
    await writer.checkpoint(at(1));
    const before = Buffer.from(fs.content(PATH) ?? "");
    writer.writeUpdate(put("b", "2", 2));
    fs.setHook(({ name }) =>
      name === "writeSync" ? { error: systemError("ENOSPC"), partialBytes: 30 } : undefined,
    );
    await assert.rejects(writer.checkpoint(at(2)), withCode("io"));
    await assert.rejects(writer.flush(), withCode("io"));
    assert.deepEqual(fs.content(PATH), before);
    fs.setHook(() => undefined);
    await writer.checkpoint(at(2));
    await writer.close();
    const report = await verify(PATH, { fs });
    assert.deepEqual([report.result, report.records, report.tornBytes], ["ok", 2, 0]);
  });

  test("when the buffer is full refuses the update and keeps those before it", async () => {
    const fs = new MemoryFileSystem();
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs, bufferBytes: 40 });
    writer.writeUpdate(put("a", "1", 1));
    fs.setHook(({ name }) =>
      name === "writeSync" ? { error: systemError("ENOSPC"), partialBytes: 5 } : undefined,
    );
    assert.throws(() => writer.writeUpdate(put("b", "2", 2)), withCode("io"));
    fs.setHook(() => undefined);
    await writer.checkpoint(at(1));
    await writer.close();
    const snapshot = await readSnapshot(PATH, { fs });
    assert.deepEqual(told(snapshot?.entries.values() ?? []), ["a=1@1"]);
  });

  test("and cannot be taken back poisons the writer; the next open cuts the torn end off", async () => {
    const fs = new MemoryFileSystem();
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
    writer.writeUpdate(put("a", "1", 1));
    await writer.checkpoint(at(1));
    writer.writeUpdate(put("b", "2", 2));
    fs.setHook(({ name }) =>
      name === "writeSync" || name === "truncateSync"
        ? { error: systemError("EIO"), partialBytes: 9 }
        : undefined,
    );
    await assert.rejects(writer.checkpoint(at(2)), withCode("io"));
    fs.setHook(() => undefined);
    assert.throws(() => writer.writeUpdate(put("c", "3", 3)), withCode("poisoned"));
    await assert.rejects(writer.checkpoint(at(3)), withCode("poisoned"));
    await assert.rejects(writer.flush(), withCode("poisoned"));
    await assert.rejects(writer.compact(), withCode("poisoned"));
    await writer.close();
    await (await SnapshotWriter.open(PATH, HUGE, { fs })).close();
    const snapshot = await readSnapshot(PATH, { fs });
    assert.deepEqual(told(snapshot?.entries.values() ?? []), ["a=1@1"]);
    assert.equal(snapshot?.cursor.toU64(), 1n);
  });
});

test("of two rewrites that heal a poisoned writer the second keeps what was written in between", async () => {
  const fs = new MemoryFileSystem();
  const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
  writer.writeUpdate(put("a", "1", 1));
  fs.setHook(({ name }) =>
    name === "writeSync" || name === "truncateSync"
      ? { error: systemError("EIO"), partialBytes: 9 }
      : undefined,
  );
  await assert.rejects(writer.flush(), withCode("io"));
  fs.setHook(() => undefined);
  let renamed = false;
  fs.setHook(({ name }) => {
    // The last step of the first one, which has healed the writer.
    if (name === "syncDirectory" && !renamed) {
      renamed = true;
      writer.writeUpdate(put("b", "2", 2));
    }
    return undefined;
  });
  await Promise.all([
    writer.rewrite([], at(1)),
    writer.rewrite([put("c", "3", 3)] as KvPut[], at(1)),
  ]);
  await writer.checkpoint(at(3));
  await writer.close();
  const snapshot = await readSnapshot(PATH, { fs });
  assert.deepEqual(told(snapshot?.entries.values() ?? []), ["c=3@3", "b=2@2"]);
});

test("discard takes back what no checkpoint or flush covered, from the file too", async () => {
  const fs = new MemoryFileSystem();
  const writer = await SnapshotWriter.open(PATH, HUGE, { fs, bufferBytes: 60 });
  writer.writeUpdate(put("a", "1", 1));
  await writer.flush();
  for (let revision = 2; revision < 9; revision += 1) writer.writeUpdate(put("b", "2", revision));
  writer.discard();
  await writer.checkpoint(at(1));
  await writer.close();
  const report = await verify(PATH, { fs });
  assert.deepEqual([report.result, report.records], ["ok", 1]);
});

test("close flushes; every later call throws closed, and a second close does nothing", async () => {
  const fs = new MemoryFileSystem();
  const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
  writer.writeUpdate(put("a", "1", 1));
  await writer.close();
  await writer.close();
  assert.throws(() => writer.writeUpdate(put("b", "2", 2)), withCode("closed"));
  await assert.rejects(writer.checkpoint(WatchCursor.none), withCode("closed"));
  await assert.rejects(writer.compact(), withCode("closed"));
  const entry = (await readSnapshot(PATH, { fs }))?.entries.get("a");
  assert.ok(entry?.version.equals(VersionToken.fromU64(1)));
});
