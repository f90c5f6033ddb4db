import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { SnapshotWriter, verify } from "../../src/log/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { runCli } from "../support/cli.js";
import { tempDirectory } from "../support/temp-directory.js";
import { at, purge, put } from "../support/updates.js";

const NEVER = 1 << 30;

async function writeLog(path: string): Promise<void> {
  await using store = await AppendLogSnapshot.open(path);
  const timed = { ...put("a", "1", 1), timeMs: 1000, ttlMs: 5000 };
  await store.apply([timed, put("b", "2", 2)], at(2), { origin: "the bucket b" });
  await store.apply([put("a", "3", 3), purge("b", 4), put("c", "5", 5)], at(5));
}

describe("compact", () => {
  test("leaves the live entries and the position", async () => {
    await using directory = await tempDirectory();
    const file = directory.file("x.snap");
    await writeLog(file);
    const { size } = await stat(file);
    const before = await runCli("cat", file);
    const compacted = await runCli("compact", file, "--json");
    assert.equal(compacted.status, 0);
    const now = (await stat(file)).size;
    assert.deepEqual(JSON.parse(compacted.stdout.toString()), { file, before: size, after: now });
    assert.ok(now < size);
    const after = await runCli("cat", file);
    assert.deepEqual([after.stdout, after.stderr], [before.stdout, before.stderr]);
  });

  test("is refused while a writer has the log, and where there is none", async () => {
    await using directory = await tempDirectory();
    const file = directory.file("x.snap");
    const absent = await runCli("compact", file);
    assert.equal(absent.status, 1);
    await using writer = await SnapshotWriter.open(file, NEVER);
    const refused = await runCli("compact", file);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, new RegExp(`locked: .*${process.pid}`));
    assert.equal(writer.isPoisoned, false);
  });
});

describe("convert", () => {
  test("to format 2 says what it drops, and back loses nothing more", async () => {
    await using directory = await tempDirectory();
    const [first, second, third] = ["1.snap", "2.snap", "3.snap"].map((name) =>
      directory.file(name),
    ) as [string, string, string];
    await writeLog(first);
    const before = await readFile(first);
    const down = await runCli("convert", first, second, "--format", "2");
    assert.equal(down.status, 0);
    assert.match(down.stderr, /no room for 1 times of changes: dropped/);
    assert.match(down.stderr, /1 notes of what the cursors belong to/);
    assert.match(down.stderr, /1 purges became deletes/);
    assert.deepEqual(await readFile(first), before);
    const up = await runCli("convert", second, third, "--format", "3");
    assert.equal(up.status, 0);
    assert.deepEqual([(await verify(second)).format, (await verify(third)).format], [2, 3]);
    const [two, three] = [await runCli("cat", second), await runCli("cat", third)];
    assert.deepEqual(three.stdout, two.stdout);
    const cursors = await Promise.all([second, third].map((file) => verify(file)));
    assert.ok(cursors.every((log) => log.result === "ok" && log.cursor.equals(at(5))));
  });

  test("refuses a target that is there, and a format that is none", async () => {
    await using directory = await tempDirectory();
    const file = directory.file("x.snap");
    await writeLog(file);
    const before = await readFile(file);
    assert.equal((await runCli("convert", file, file, "--format", "2")).status, 1);
    assert.deepEqual(await readFile(file), before);
    assert.equal((await runCli("convert", file, directory.file("y"), "--format", "4")).status, 2);
    assert.equal((await runCli("convert", file, directory.file("y"))).status, 2);
  });
});

test("mirror writes the format and with the durability that it is told to", async () => {
  await using directory = await tempDirectory();
  const to = directory.file("copy");
  const options = ["--once", "--format", "2", "--durability", "power"];
  const once = await runCli("mirror", "demo", "--to", to, ...options);
  assert.equal(once.status, 0, once.stderr);
  assert.equal((await verify(join(to, "copy.snap"))).format, 2);
  const wrong = await runCli("mirror", "demo", "--to", to, "--durability", "both");
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /--durability is process or power, not "both"/);
});
