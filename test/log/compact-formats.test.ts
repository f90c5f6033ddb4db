import assert from "node:assert/strict";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import {
  inspectLog,
  readSnapshot,
  SnapshotWriter,
  verify,
  type LogFormat,
} from "../../src/log/index.js";
import { nextTurn } from "../../src/platform/index.js";
import type { LogPosition } from "../../src/values/index.js";
import { countWorkers } from "../support/count-workers.js";
import { HUGE, withCode } from "../support/log-files.js";
import { MemoryFileSystem } from "../support/memory-file-system.js";
import { tempDirectory } from "../support/temp-directory.js";
import { at, put, told } from "../support/updates.js";

const PATH = "/disk/log.snap";
const KEYS = 300;
/** With it, a few thousand updates are more than a worker is started for. */
const FILLER = "x".repeat(1000);

/** Writes so many updates over a few hundred keys, with a checkpoint at each tenth. */
async function fill(writer: SnapshotWriter, from: number, to: number): Promise<void> {
  for (let revision = from; revision <= to; revision += 1) {
    writer.writeUpdate(put(`k${revision % KEYS}`, `${revision} ${FILLER}`, revision));
    if (revision % 10 === 0) await writer.checkpoint(at(revision));
  }
}

describe("a long log on the machine's own disk", () => {
  for (const format of [2, 3] as const) {
    test(`of format ${format} is compacted by a worker, and what is written meanwhile follows`, async () => {
      await using directory = await tempDirectory();
      const path = directory.file("log.snap");
      const writer = await SnapshotWriter.open(path, HUGE, { format });
      await fill(writer, 1, 3000);
      const state = { isDone: false };
      using started = countWorkers();
      const compacting = writer.compact().finally(() => (state.isDone = true));
      let revision = 3000;
      while (!state.isDone) {
        await fill(writer, revision + 1, revision + 10);
        revision += 10;
        await nextTurn();
      }
      await compacting;
      assert.equal(started.count, 1, "no worker");
      assert.ok(revision > 3010, "nothing was written meanwhile");
      await fill(writer, revision + 1, (revision += 10));
      await writer.close();
      const snapshot = await readSnapshot(path);
      assert.equal(snapshot?.cursor.toU64(), BigInt(revision));
      assert.equal(snapshot.entries.size, KEYS);
      for (let last = revision - KEYS + 1; last <= revision; last += 1) {
        assert.equal(snapshot.entries.get(`k${last % KEYS}`)?.version.toU64(), BigInt(last));
      }
      const { records, tornBytes } = await verify(path);
      assert.equal(tornBytes, 0);
      // In format 2 a cursor is a record too.
      assert.ok(records < 1.1 * (revision - 3000) + 2 * KEYS, "nothing was left out");
    });
  }

  test("that is damaged is not compacted, and says where", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    const writer = await SnapshotWriter.open(path, HUGE);
    await fill(writer, 1, 2000);
    const bytes = await readFile(path);
    const offset = bytes.indexOf("1500 x");
    bytes[offset] = 0;
    await writeFile(path, bytes);
    const report = await inspectLog(path);
    assert.ok(report.result === "error");
    await assert.rejects(writer.compact(), (error) => {
      assert.equal((error as { offset?: number }).offset, report.offset);
      assert.equal((error as Error).message, report.message);
      return withCode("corrupted")(error);
    });
    await fill(writer, 2001, 2010);
    await writer.close();
    assert.ok((await stat(path)).size > bytes.length);
  });

  test("is given up by close at any moment, and no temporary file is left", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    for (let turns = 1; turns <= 256; turns *= 4) {
      const writer = await SnapshotWriter.open(path, HUGE);
      await fill(writer, 1, 2000);
      const compacting = writer.compact();
      const settled = compacting.then(
        () => "done",
        (error: unknown) => withCode("closed")(error),
      );
      for (let turn = 0; turn < turns; turn += 1) await nextTurn();
      await writer.close();
      await settled;
      assert.deepEqual(await readdir(directory.path), ["log.snap"]);
      assert.equal((await readSnapshot(path))?.cursor.toU64(), 2000n);
    }
  });
});

describe("a log of another format than the writer asks for", () => {
  for (const [found, wanted] of [
    [2, 3],
    [3, 2],
  ] as const satisfies [LogFormat, LogFormat][]) {
    test(`(${found}, not ${wanted}) is due for its conversion at once, and is converted by it`, async () => {
      const fs = new MemoryFileSystem();
      const first = await SnapshotWriter.open(PATH, HUGE, { fs, format: found });
      first.writeUpdate(put("a", "1", 1));
      await first.checkpoint(at(1));
      await first.close();
      const writer = await SnapshotWriter.open(PATH, HUGE, { fs, format: wanted });
      assert.equal((await verify(PATH, { fs })).format, found);
      assert.equal(await writer.checkpoint(at(2)), true);
      const compacting = writer.compact();
      writer.writeUpdate(put("b", "3", 3));
      await writer.checkpoint(at(3));
      writer.writeUpdate(put("c", "begun before, written after", 4));
      await compacting;
      assert.equal(await writer.checkpoint(at(4)), false);
      writer.writeUpdate(put("d", "5", 5));
      await writer.checkpoint(at(5));
      await writer.close();
      assert.equal((await verify(PATH, { fs })).format, wanted);
      const snapshot = await readSnapshot(PATH, { fs });
      assert.deepEqual(told(snapshot?.entries.values() ?? []), [
        "a=1@1",
        "b=3@3",
        "c=begun before, written after@4",
        "d=5@5",
      ]);
      assert.equal(snapshot?.cursor.toU64(), 5n);
    });
  }
});

test("a batch in a large buffer that was begun before the log became one of format 3 still fits", async () => {
  const fs = new MemoryFileSystem();
  const first = await SnapshotWriter.open(PATH, HUGE, { fs, format: 2 });
  await first.checkpoint(at(1));
  await first.close();
  const writer = await SnapshotWriter.open(PATH, HUGE, {
    fs,
    format: 3,
    bufferBytes: 256 * 1024 * 1024,
  });
  const value = new Uint8Array(10 * 1024 * 1024);
  for (let key = 1; key <= 7; key += 1) writer.writeUpdate(put(`k${key}`, value, key));
  await writer.rewrite([], at(1));
  await writer.checkpoint(at(7));
  await writer.close();
  assert.equal((await verify(PATH, { fs })).format, 3);
  assert.equal((await readSnapshot(PATH, { fs }))?.entries.size, 7);
});

test("a compaction keeps the time and the origin of the position, and so does a rewrite of the same cursor", async () => {
  const fs = new MemoryFileSystem();
  const open = async (found: LogPosition[] = []): Promise<SnapshotWriter> =>
    await SnapshotWriter.open(PATH, HUGE, {
      fs,
      replay: {
        update: () => undefined,
        cursor: () => undefined,
        position: (position) => found.push(position),
      },
    });
  const lastOf = async (): Promise<[bigint | undefined, bigint, string | undefined]> => {
    const found: LogPosition[] = [];
    await (await open(found)).close();
    const last = found.at(-1);
    return [last?.cursor.toU64(), last?.cursorTimeNs ?? -1n, last?.origin];
  };
  const writer = await open();
  await writer.checkpoint(at(1), { cursorTimeNs: 11n, origin: "bucket" });
  await writer.checkpoint(at(2), { cursorTimeNs: 22n });
  await writer.compact();
  await writer.close();
  assert.deepEqual(await lastOf(), [2n, 22n, "bucket"]);
  const second = await open();
  await second.rewrite([], at(2));
  await second.close();
  assert.deepEqual(await lastOf(), [2n, 22n, "bucket"]);
  const third = await open();
  await third.rewrite([], at(3));
  await third.close();
  assert.deepEqual(await lastOf(), [3n, 0n, "bucket"]);
});

test("a rewrite may walk entries that change meanwhile, where the changes are written too", async () => {
  const fs = new MemoryFileSystem();
  const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
  const state = new Map([put("a", "1", 1), put("b", "2", 2)].map((entry) => [entry.key, entry]));
  for (const update of state.values()) writer.writeUpdate(update);
  await writer.checkpoint(at(2));
  const values = state.values() as Iterable<ReturnType<typeof put> & { kind: "put" }>;
  const rewriting = writer.rewrite(values, at(2));
  const changed = put("b", "3", 3);
  state.set("b", changed);
  writer.writeUpdate(changed);
  await writer.checkpoint(at(3));
  await rewriting;
  await writer.close();
  const snapshot = await readSnapshot(PATH, { fs });
  assert.deepEqual(told(snapshot?.entries.values() ?? []), ["a=1@1", "b=3@3"]);
  assert.equal(snapshot?.cursor.toU64(), 3n);
});
