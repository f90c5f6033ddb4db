import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { appendFile, readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { CorruptedError, isMillpondError } from "../../src/errors/index.js";
import { allKeys, type BucketInfo } from "../../src/kv/index.js";
import { nodeFileSystem, type FileSystem } from "../../src/platform/index.js";
import { ManualClock, openInProcess, type InProcessBucket } from "../../src/testing/index.js";
import { WatchCursor, type KvUpdate } from "../../src/values/index.js";
import { bytes } from "../support/bucket.js";
import { tempDirectory } from "../support/temp-directory.js";

interface Everything {
  readonly info: Omit<BucketInfo, "serverTimeMs">;
  readonly records: readonly string[];
}

/** All that a bucket says of itself: its description, and every record kept. */
async function everything(bucket: InProcessBucket): Promise<Everything> {
  const { serverTimeMs: _now, ...info } = await bucket.info();
  const from = WatchCursor.fromU64(info.firstSequence - 1n);
  const records: KvUpdate[] = [];
  await using watch = await bucket.watch(allKeys, { from });
  for await (const batch of watch) {
    records.push(...batch.updates);
    if (batch.caughtUp) break;
  }
  return {
    info,
    records: records.map(
      (record) =>
        `${record.version.toU64()} ${record.kind} ${record.key} ` +
        (record.kind === "put" ? Buffer.from(record.value).toString("hex") : ""),
    ),
  };
}

describe("an in-process bucket in a folder", () => {
  test("is the same after it was closed and opened again", async () => {
    await using directory = await tempDirectory();
    const folder = directory.file("buckets");
    const clock = new ManualClock();
    const first = await openInProcess({ folder, clock });
    const bucket = await first.createBucket("b", { history: 3, markerTtlMs: 60_000 });
    for (let index = 0; index < 40; index += 1) {
      await bucket.put(`k.${index % 9}`, Uint8Array.of(index, 0, 255, 10));
    }
    await bucket.delete("k.1");
    await bucket.purge("k.2");
    await bucket.put("short", bytes("1"), { ttlMs: 1000 });
    await bucket.put("long", bytes("1"), { ttlMs: 100_000 });
    clock.advance(1000);
    await bucket.evictBefore(20n);
    await bucket.deleteMessage(33n);
    const before = await everything(bucket);
    await first.close();

    await using second = await openInProcess({ folder, clock });
    const again = second.bucket("b");
    assert.deepEqual(await everything(again), before);
    assert.equal((await again.put("k.1", bytes("next"))).toU64(), before.info.lastSequence + 1n);
    clock.advance(100_000);
    assert.equal((await again.entry("long"))?.kind, "delete");
  });

  test("keeps its sequence when all records are gone", async () => {
    await using directory = await tempDirectory();
    const folder = directory.path;
    for (let round = 1n; round <= 3n; round += 1n) {
      await using connection = await openInProcess({ folder });
      const bucket = await connection.createBucket("b");
      assert.equal((await bucket.put("a", bytes("1"))).toU64(), round);
      await bucket.evictBefore(100n);
    }
  });

  test("evicts after a restart as if there had been none", async () => {
    await using directory = await tempDirectory();
    await using straight = await openInProcess({ clock: new ManualClock() });
    const config = { maxBytes: 4096, discard: "old" } as const;
    const expected = await straight.createBucket("b", config);
    for (let index = 0; index < 300; index += 1) {
      await using connection = await openInProcess({
        folder: directory.path,
        clock: new ManualClock(),
      });
      const bucket = await connection.createBucket("b", config);
      const value = new Uint8Array((index * 37) % 200);
      for (const each of [bucket, expected]) await each.put(`k.${(index * 7) % 50}`, value);
      if (index % 50 === 0) assert.deepEqual(await everything(bucket), await everything(expected));
    }
  });

  test("that was deleted stays deleted", async () => {
    await using directory = await tempDirectory();
    const folder = directory.path;
    {
      await using connection = await openInProcess({ folder });
      await connection.createBucket("b");
      await connection.deleteBucket("b");
    }
    await using connection = await openInProcess({ folder });
    await assert.rejects(connection.bucket("b").info(), (error) =>
      isMillpondError(error, "bucket-not-found"),
    );
  });

  test("is held by one opener at a time", async () => {
    await using directory = await tempDirectory();
    const folder = directory.path;
    const first = await openInProcess({ folder });
    await assert.rejects(openInProcess({ folder }), (error) => isMillpondError(error, "locked"));
    await first.close();
    await (await openInProcess({ folder })).close();
  });
});

describe("the file of an in-process bucket", () => {
  test("loses a torn last line and nothing else, wherever it is torn", async () => {
    await using directory = await tempDirectory();
    const file = directory.file("b.bucket");
    const first = await openInProcess({ folder: directory.path });
    const bucket = await first.createBucket("b");
    for (const key of ["a", "b"]) await bucket.put(key, bytes("1"));
    await first.close();
    const whole = await readFile(file);
    const lastLine = whole.lastIndexOf(0x0a, whole.length - 2) + 1;
    for (let length = lastLine; length < whole.length; length += 1) {
      await writeFile(file, whole.subarray(0, length));
      const connection = await openInProcess({ folder: directory.path });
      assert.equal((await connection.bucket("b").info()).lastSequence, 1n);
      assert.equal((await connection.bucket("b").put("c", bytes("2"))).toU64(), 2n);
      await connection.close();
      const again = await openInProcess({ folder: directory.path });
      assert.equal((await again.bucket("b").info()).lastSequence, 2n);
      await again.close();
    }
  });

  test("that is damaged before its last line is refused with the offset", async () => {
    await using directory = await tempDirectory();
    const file = directory.file("b.bucket");
    const first = await openInProcess({ folder: directory.path });
    const bucket = await first.createBucket("b");
    for (const key of ["a", "b"]) await bucket.put(key, bytes("1"));
    await first.close();
    const whole = await readFile(file, "utf8");
    const offset = whole.indexOf("\n") + 1;
    const record = whole.slice(offset).split("\n")[0] ?? "";
    const damages = ["", "x", "[]", '{"s":1}', record.replace('"s":1', '"s":2'), '{"x":[0]}'];
    for (const damage of damages) {
      await writeFile(file, whole.replace(record, damage));
      await assert.rejects(openInProcess({ folder: directory.path }), (error) => {
        assert.ok(error instanceof CorruptedError, String(error));
        const second = offset + damage.length + 1;
        assert.ok(error.offset === offset || error.offset === second, String(error.offset));
        return true;
      });
    }
    await truncate(file, 0);
    await assert.rejects(openInProcess({ folder: directory.path }), CorruptedError);
  });

  test("is rewritten, while writes go on, once most of it is of the past", async () => {
    await using directory = await tempDirectory();
    const first = await openInProcess({ folder: directory.path });
    const bucket = await first.createBucket("b");
    const value = new Uint8Array(100 * 1024);
    let largest = 0;
    for (let index = 0; index < 400; index += 1) {
      await bucket.put(`k.${index % 3}`, value.fill(index));
      await bucket.put(`small.${index}`, bytes(String(index)));
      if (index % 10 === 0) await new Promise(setImmediate);
      const { size } = (await nodeFileSystem.stat(directory.file("b.bucket"))) ?? { size: 0 };
      largest = Math.max(largest, size);
    }
    const before = await everything(bucket);
    await first.close();
    const { size } = (await nodeFileSystem.stat(directory.file("b.bucket"))) ?? { size: 0 };
    assert.ok(size < largest, `${size} bytes, ${largest} at the most`);
    assert.deepEqual(
      (await readdir(directory.path)).filter((name) => name.endsWith(".new")),
      [],
    );
    await using second = await openInProcess({ folder: directory.path });
    assert.deepEqual(await everything(second.bucket("b")), before);
  });

  test("that was being rewritten when the process ended is the old one", async () => {
    await using directory = await tempDirectory();
    const first = await openInProcess({ folder: directory.path });
    await (await first.createBucket("b")).put("a", bytes("1"));
    await first.close();
    await appendFile(directory.file("b.bucket.new"), "half a li");
    await using second = await openInProcess({ folder: directory.path });
    assert.equal((await second.bucket("b").info()).lastSequence, 1n);
    assert.ok(!(await readdir(directory.path)).includes("b.bucket.new"));
  });

  test("takes a write that failed half-way back: what was acknowledged stays readable", async () => {
    await using directory = await tempDirectory();
    let room = Infinity;
    const fileSystem = withRoom(() => room);
    const first = await openInProcess({ folder: directory.path, fileSystem });
    const bucket = await first.createBucket("b");
    await bucket.put("a", bytes("1"));
    room = 20;
    await assert.rejects(bucket.put("b", bytes("1")), (error) => isMillpondError(error, "io"));
    await assert.rejects(bucket.delete("a"), (error) => isMillpondError(error, "io"));
    assert.equal(await bucket.get("b"), undefined);
    room = Infinity;
    assert.equal((await bucket.put("c", bytes("1"))).toU64(), 2n);
    const before = await everything(bucket);
    await first.close();
    await using second = await openInProcess({ folder: directory.path });
    assert.deepEqual(await everything(second.bucket("b")), before);
  });

  test("survives kill -9 with every write that was acknowledged", async () => {
    await using directory = await tempDirectory();
    const folder = directory.path;
    const script = join(import.meta.dirname, "..", "support", "writing-bucket.child.js");
    let acknowledged = 0n;
    for (let round = 0; round < 4; round += 1) {
      const child = spawn(process.execPath, [script, folder], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const goal = acknowledged + BigInt(100 + round * 57);
      for await (const line of createInterface(child.stdout)) {
        acknowledged = BigInt(line);
        if (acknowledged >= goal && !child.killed) child.kill("SIGKILL");
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      assert.equal(child.signalCode, "SIGKILL");
      await using connection = await openInProcess({ folder });
      const { info, records } = await everything(connection.bucket("b"));
      // One write may have reached the file without its acknowledgement having been printed.
      const unprinted = info.lastSequence - acknowledged;
      assert.ok(unprinted === 0n || unprinted === 1n, `${info.lastSequence} and ${acknowledged}`);
      assert.equal(records.length, info.records);
      acknowledged = info.lastSequence;
    }
  });
});

/** The machine's files on a disk that takes only so many bytes of each write. */
function withRoom(room: () => number): FileSystem {
  return {
    ...nodeFileSystem,
    async open(path, mode, permissions) {
      const handle = await nodeFileSystem.open(path, mode, permissions);
      const write = handle.writeSync.bind(handle);
      handle.writeSync = (source, position) => {
        write(source.subarray(0, room()), position);
        if (source.length > room()) throw Object.assign(new Error("full"), { code: "ENOSPC" });
      };
      return handle;
    },
  };
}
