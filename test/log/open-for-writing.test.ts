import assert from "node:assert/strict";
import {
  link as hardLink,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { LockedError } from "../../src/errors/index.js";
import { inspectLog, load, SnapshotWriter, verify } from "../../src/log/index.js";
import {
  appendTo,
  contentsOf,
  HEADER,
  HUGE,
  V3_HEADER_START,
  withCode,
} from "../support/log-files.js";
import { MemoryFileSystem, systemError } from "../support/memory-file-system.js";
import { tempDirectory } from "../support/temp-directory.js";

const PATH = "/disk/log.snap";

describe("opening for writing", () => {
  test("cuts a torn tail off before the first append", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    await appendTo(path, ["a", "1", 1]);
    await appendTo(path, ["b", "2", 2]);
    await writeFile(path, (await readFile(path)).subarray(0, -20));
    const { tornBytes } = await verify(path);
    const { size } = await stat(path);
    // Nothing is appended: what comes next may be shorter than what was torn.
    await (await SnapshotWriter.open(path, HUGE)).close();
    assert.ok(tornBytes > 0);
    assert.equal((await stat(path)).size, size - tornBytes);
    await appendTo(path, ["c", "3", 3]);
    assert.deepEqual(await contentsOf(path), ["a=1@1", "c=3@3"]);
    assert.equal((await verify(path)).tornBytes, 0);
  });

  const v3Header = Buffer.concat([V3_HEADER_START, Buffer.from("some salt"), Buffer.alloc(7)]);
  for (const [what, start, format] of [
    ["0 bytes", HEADER.subarray(0, 0), 3],
    ["1 byte of format 2", HEADER.subarray(0, 1), 2],
    ["5 bytes of format 2", HEADER.subarray(0, 5), 2],
    ["3 bytes", v3Header.subarray(0, 3), 3],
    ["20 bytes", v3Header.subarray(0, 20), 3],
    ["23 bytes that are zero", Buffer.alloc(23), 3],
  ] as const) {
    test(`makes a header torn at ${what} whole`, async () => {
      await using directory = await tempDirectory();
      const path = directory.file("log.snap");
      await writeFile(path, start);
      const report = await inspectLog(path);
      assert.ok(report.result === "error" && report.code === "invalid-format");
      assert.match(report.hint ?? "", /opening it for writing/);
      await appendTo(path, ["a", "1", 1]);
      assert.deepEqual(await contentsOf(path), ["a=1@1"]);
      assert.equal((await verify(path)).format, format);
    });
  }

  for (const [what, bytes, wanted, says] of [
    [
      "a short file that is no log",
      Buffer.from("hi\n"),
      "invalid-format",
      /too short for a header/,
    ],
    [
      "a file that is no log",
      Buffer.from("#!/bin/sh\necho hello\n"),
      "invalid-format",
      /bad magic/,
    ],
    [
      "another format version",
      Buffer.from("PGSS\x03\x00", "latin1"),
      "invalid-format",
      /version 3/,
    ],
  ] as const) {
    test(`refuses ${what} and leaves it as it is`, async () => {
      await using directory = await tempDirectory();
      const path = directory.file("log.snap");
      await writeFile(path, bytes);
      await assert.rejects(SnapshotWriter.open(path, HUGE), withCode(wanted));
      assert.deepEqual(await readFile(path), bytes);
      await assert.rejects(load(path), withCode(wanted));
      const report = await inspectLog(path);
      assert.ok(report.result === "error");
      assert.match(report.message, says);
      assert.doesNotMatch(report.hint ?? "", /opening it for writing/);
    });
  }

  test("refuses a damaged log where it is to, names the offset and leaves it as it is", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    await appendTo(path, ["a", "1", 1]);
    const offset = (await readFile(path)).length;
    await appendTo(path, ["b", "2", 2]);
    await appendTo(path, ["c", "3", 3]);
    const bytes = await readFile(path);
    bytes[offset + 20] = (bytes[offset + 20] ?? 0) ^ 0xff;
    await writeFile(path, bytes);
    const strict = { onCorruption: "throw" } as const;
    await assert.rejects(SnapshotWriter.open(path, HUGE, strict), (error) => {
      assert.ok(withCode("corrupted")(error) && "offset" in (error as object));
      assert.equal((error as { offset: number }).offset, offset);
      return true;
    });
    assert.deepEqual(await readFile(path), bytes);
    await assert.rejects(
      SnapshotWriter.open(path, HUGE, strict),
      withCode("corrupted"),
      "the lock was kept",
    );
  });

  test("removes what a killed compaction left, and nothing else", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    for (const name of [
      "log.snap.compact-99.tmp",
      "log.snap.compact-b.compact-1.tmp",
      "other.snap.compact-1.tmp",
      "log.snap.compact",
    ]) {
      await writeFile(directory.file(name), "");
    }
    await appendTo(path);
    assert.deepEqual((await readdir(directory.path)).toSorted(), [
      "log.snap",
      "log.snap.compact",
      "log.snap.compact-b.compact-1.tmp",
      "other.snap.compact-1.tmp",
    ]);
  });

  test("twice is refused, in one process too, and says who has it; closing frees it", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    const link = directory.file("link.snap");
    const first = await SnapshotWriter.open(path, HUGE);
    await symlink("log.snap", link);
    for (const name of [path, link, `${directory.path}/./log.snap`]) {
      await assert.rejects(SnapshotWriter.open(name, HUGE), (error) => {
        assert.ok(error instanceof LockedError);
        assert.equal(error.pid, process.pid);
        return withCode("locked")(error);
      });
    }
    await first.close();
    await (await SnapshotWriter.open(link, HUGE)).close();
  });

  test("refuses a file that has a second name, under which another writer could have it", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("log.snap");
    await appendTo(path, ["a", "1", 1]);
    const first = await SnapshotWriter.open(path, HUGE);
    await hardLink(path, directory.file("other.snap"));
    await assert.rejects(
      SnapshotWriter.open(directory.file("other.snap"), HUGE),
      (error) => withCode("io")(error) && /hard link/.test(String(error)),
    );
    await first.close();
    await assert.rejects(SnapshotWriter.open(path, HUGE), withCode("io"));
    await rm(directory.file("other.snap"));
    await appendTo(path, ["b", "2", 2]);
    assert.deepEqual(await contentsOf(path), ["a=1@1", "b=2@2"]);
  });

  test("refuses a name that is too long for a compaction, and takes the longest that is not", async () => {
    await using directory = await tempDirectory();
    await assert.rejects(
      SnapshotWriter.open(directory.file("n".repeat(233)), HUGE),
      withCode("io"),
    );
    assert.deepEqual(await readdir(directory.path), []);
    const writer = await SnapshotWriter.open(directory.file("n".repeat(232)), HUGE);
    await writer.compact();
    await writer.close();
  });

  test("says what is wrong with a directory, a missing directory and a place without permission", async () => {
    await using directory = await tempDirectory();
    await mkdir(directory.file("folder"));
    await assert.rejects(SnapshotWriter.open(directory.file("folder"), HUGE), withCode("io"));
    await assert.rejects(load(directory.file("folder")), withCode("io"));
    await assert.rejects(
      SnapshotWriter.open(join(directory.path, "no", "log"), HUGE),
      withCode("io"),
    );
    const fs = new MemoryFileSystem();
    fs.setHook(({ name }) =>
      name === "open" ? { error: systemError("EACCES"), partialBytes: 0 } : undefined,
    );
    await assert.rejects(SnapshotWriter.open(PATH, HUGE, { fs }), withCode("io"));
  });
});
