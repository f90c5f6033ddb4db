import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { SnapshotWriter } from "../../src/log/index.js";
import { VersionToken, WatchCursor } from "../../src/values/index.js";
import { runCli } from "../support/cli.js";
import { tempDirectory } from "../support/temp-directory.js";

/** Keys whose order by UTF-8 bytes differs from that of JavaScript strings; one deleted, one overwritten. */
async function writeLog(path: string): Promise<void> {
  await using writer = await SnapshotWriter.open(path, 1 << 20);
  const put = (key: string, value: string, revision: number): void =>
    writer.writeUpdate({
      kind: "put",
      key,
      value: Buffer.from(value),
      version: VersionToken.fromU64(revision),
    });
  put("b.\u{1F600}", "smile", 1);
  put("b.\uFFEE", "dot", 2);
  put("a", "old", 3);
  put("a", "new", 4);
  put("gone", "x", 5);
  writer.writeUpdate({ kind: "delete", key: "gone", version: VersionToken.fromU64(6) });
  await writer.checkpoint(WatchCursor.fromU64(6));
}

async function digest(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}

describe("the commands on a log", () => {
  test("inspect, cat and verify say what is in it and leave it as it is", async () => {
    await using directory = await tempDirectory();
    const file = directory.file("x.snap");
    await writeLog(file);
    const before = await digest(file);

    const inspected = await runCli("inspect", file, "--json");
    assert.equal(inspected.status, 0);
    const { bytes, ...fields } = inspected.records[0] ?? {};
    assert.equal(bytes, (await readFile(file)).length);
    assert.deepEqual(fields, {
      file,
      result: "ok",
      format: 3,
      cursor: "0000000000000006",
      entries: 3,
      records: 6,
      frames: 1,
      tornBytes: 0,
    });

    const listed = await runCli("cat", file, "--json");
    assert.deepEqual(listed.records, [
      { key: "a", value: "bmV3", version: "0000000000000004" },
      { key: "b.\uFFEE", value: "ZG90", version: "0000000000000002" },
      { key: "b.\u{1F600}", value: "c21pbGU=", version: "0000000000000001" },
    ]);

    assert.equal((await runCli("verify", file)).status, 0);
    assert.equal(await digest(file), before);
  });

  test("verify of a damaged log ends with 1 and says what and where", async () => {
    await using directory = await tempDirectory();
    const file = directory.file("x.snap");
    await writeLog(file);
    await writeLog(file);
    const bytes = await readFile(file);
    bytes[60] = (bytes[60] ?? 0) ^ 1;
    await writeFile(file, bytes);
    const before = await digest(file);

    const verified = await runCli("verify", file, "--json");
    assert.equal(verified.status, 1);
    assert.equal(verified.records[0]?.["code"], "corrupted");
    assert.equal(verified.records[0]?.["offset"], 24);
    assert.match(verified.stderr, /corrupted: .*x\.snap is damaged at byte 24/);
    const inspected = await runCli("inspect", file, "--json");
    assert.equal(inspected.status, 1);
    assert.equal(inspected.records[0]?.["result"], "error");
    assert.equal(inspected.records[0]?.["offset"], 24);
    assert.equal(await digest(file), before);
  });

  test("a log that a killed writer left torn is clean", async () => {
    await using directory = await tempDirectory();
    const file = directory.file("x.snap");
    await writeLog(file);
    await writeFile(file, (await readFile(file)).subarray(0, -3));
    const verified = await runCli("verify", file, "--json");
    assert.equal(verified.status, 0);
    assert.ok(Number(verified.records[0]?.["tornBytes"]) > 0);
    assert.match(verified.stderr, /cut short/);
  });

  test("inspect answers for each file in the order given, whatever is wrong with some", async () => {
    await using directory = await tempDirectory();
    const good = directory.file("good.snap");
    await writeLog(good);
    const text = directory.file("text");
    await writeFile(text, "this is no snapshot log");
    const files = [text, directory.path, good, directory.file("missing")];
    const inspected = await runCli("inspect", ...files, "--json");
    assert.equal(inspected.status, 1);
    assert.deepEqual(
      inspected.records.map(({ file, result, code, offset }) => [file, result, code, offset]),
      [
        [text, "error", "invalid-format", 0],
        [directory.path, "error", "io", undefined],
        [good, "ok", undefined, undefined],
        [directory.file("missing"), "none", undefined, undefined],
      ],
    );
    assert.doesNotMatch(inspected.stderr, /\n\s+at /, "no stack trace unless --verbose");
  });

  test("cat and verify of a file that is not there fail instead of showing nothing", async () => {
    await using directory = await tempDirectory();
    for (const command of ["cat", "verify"]) {
      const result = await runCli(command, directory.file("missing"), "--json");
      assert.equal(result.status, 1);
      assert.equal(result.records[0]?.["code"], "io");
    }
  });
});

describe("repair", () => {
  test("says what it would do, does it, and then finds nothing more to do", async () => {
    await using directory = await tempDirectory();
    const file = directory.file("x.snap");
    await writeLog(file);
    await writeLog(file);
    const content = await readFile(file);
    const at = content.indexOf("old");
    content[at] = (content[at] ?? 0) ^ 1;
    await writeFile(file, content);
    const dry = await runCli("repair", file, "--dry-run", "--json");
    assert.equal(dry.status, 1);
    assert.deepEqual(await readFile(file), content);
    assert.equal((await readdir(directory.path)).length, 1);
    const done = await runCli("repair", file, "--json");
    assert.equal(done.status, 0);
    const [planned, report] = [dry.records[0], done.records[0]];
    const setAside = String(report?.["setAside"]);
    assert.deepEqual(report, { ...planned, result: "repaired", setAside });
    assert.equal(planned?.["result"], "damaged");
    assert.equal(planned["code"], "corrupted");
    assert.deepEqual(await readFile(setAside), content);
    assert.equal((await runCli("verify", file)).status, 0);
    const again = await runCli("repair", file, "--json");
    assert.deepEqual([again.status, again.records], [0, [{ file, result: "clean" }]]);
  });

  test("of another program's file is refused, and of a log that is being written", async () => {
    await using directory = await tempDirectory();
    const text = directory.file("text");
    await writeFile(text, "this is no snapshot log");
    for (const argv of [
      ["repair", text],
      ["repair", text, "--dry-run"],
    ]) {
      const refused = await runCli(...argv, "--json");
      assert.equal(refused.status, 1);
      assert.equal(refused.records[0]?.["code"], "invalid-format");
    }
    const file = directory.file("x.snap");
    await using writer = await SnapshotWriter.open(file, 1 << 20);
    await writer.flush();
    assert.equal((await runCli("repair", file, "--json")).records[0]?.["code"], "locked");
    assert.equal((await runCli("repair", file, "--dry-run", "--json")).status, 0);
  });
});

describe("the commands on a copy", () => {
  test("get gives the raw value, and 1 for a key that is not there", async () => {
    await using directory = await tempDirectory();
    await writeLog(directory.file("copy.snap"));
    const found = await runCli("get", directory.path, "a");
    assert.equal(found.status, 0);
    assert.deepEqual(found.stdout, Buffer.from("new"));
    const absent = await runCli("get", directory.path, "gone");
    assert.equal(absent.status, 1);
    assert.equal(absent.stdout.length, 0);
    assert.match(absent.stderr, /key-not-found/);
  });

  test("ls gives the keys with a prefix in order of their bytes, with revision and size", async () => {
    await using directory = await tempDirectory();
    await writeLog(directory.file("copy.snap"));
    const listed = await runCli("ls", directory.path, "b.", "--json");
    assert.deepEqual(listed.records, [
      { key: "b.\uFFEE", revision: 2, size: 3 },
      { key: "b.\u{1F600}", revision: 1, size: 5 },
    ]);
    assert.equal((await runCli("ls", directory.path)).stdout.toString().split("\n")[0], "a\t4\t3");
  });

  test("of a directory that is not there, or is a file, is an error and not an empty copy", async () => {
    await using directory = await tempDirectory();
    const file = directory.file("file");
    await writeFile(file, "");
    for (const path of [directory.file("missing"), file]) {
      for (const argv of [
        ["ls", path],
        ["get", path, "a"],
      ]) {
        const result = await runCli(...argv, "--json");
        assert.equal(result.status, 1);
        assert.equal(result.records[0]?.["code"], "io");
      }
    }
  });

  test("of a directory that holds no copy is an error that says so, and no absent key", async () => {
    await using directory = await tempDirectory();
    const fresh = directory.file("fresh");
    await mkdir(fresh);
    for (const argv of [
      ["ls", fresh],
      ["get", fresh, "a"],
    ]) {
      const result = await runCli(...argv, "--json");
      assert.equal(result.status, 1);
      assert.equal(result.records[0]?.["code"], "io");
      assert.match(result.stderr, /fresh holds no copy/);
    }
  });
});

describe("a command line that makes no sense", () => {
  test("ends with 2, a code, a sentence and a hint, and no stack trace", async () => {
    const lines = [
      ["frobnicate"],
      ["mirror", "b"],
      ["get", "d"],
      ["ls", "--nope"],
      ["mirror", "b", "--to"],
    ];
    for (const argv of lines) {
      const result = await runCli(...argv);
      assert.equal(result.status, 2, argv.join(" "));
      assert.match(
        result.stderr,
        /^millpond: invalid-argument: .+\n {2}Run the command with --help/,
      );
      assert.doesNotMatch(result.stderr, /\n\s+at /);
    }
  });

  test("shows where an error came from with --verbose", async () => {
    assert.match((await runCli("frobnicate", "--verbose")).stderr, /\n\s+at /);
  });

  test("help and version go to standard output", async () => {
    assert.match((await runCli("--help")).stdout.toString(), /Usage: millpond/);
    assert.match((await runCli("mirror", "--help")).stdout.toString(), /--prefix P/);
    assert.match((await runCli("--version")).stdout.toString(), /^\d+\.\d+\.\d+\n$/);
  });
});
