import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { openInProcess } from "../../src/in-process/index.js";
import { nodeFileSystem } from "../../src/platform/index.js";
import { openReplica } from "../../src/replica/index.js";
import {
  levelAtOf,
  sealed,
  type Seen,
  SeenFile,
  seenOf,
  textOfSeen,
} from "../../src/replica/seen.js";
import { WatchCursor } from "../../src/values/index.js";
import { bytes as bytesOf } from "../support/bucket.js";
import { at } from "../support/scripted-source.js";
import { tempDirectory } from "../support/temp-directory.js";

const seen: Seen = {
  origin: "b",
  cursor: at(7),
  levelAt: 1000,
  offsetMs: -3,
  limits: { maxAgeMs: 60_000, allowsTtl: true },
};

describe("what was seen of a bucket", () => {
  test("is read as it was written, with limits or without", () => {
    assert.deepEqual(seenOf(textOfSeen(seen)), seen);
    const never: Seen = {
      ...seen,
      cursor: WatchCursor.none,
      levelAt: undefined,
      limits: { maxAgeMs: undefined, allowsTtl: false },
    };
    assert.deepEqual(seenOf(textOfSeen(never)), never);
  });

  test("is nothing where the text is torn, of another format or makes no sense", () => {
    const text = textOfSeen(seen);
    for (let length = 0; length < text.length; length += 1) {
      assert.equal(seenOf(text.slice(0, length)), undefined);
    }
    const { check, ...fields } = JSON.parse(text) as Record<string, unknown>;
    assert.deepEqual(seenOf(sealed(fields)), seen);
    assert.equal(
      seenOf(JSON.stringify(fields)),
      undefined,
      `without its checksum ${String(check)}`,
    );
    for (const wrong of [
      { format: 2 },
      { origin: 1 },
      { cursor: "xyz" },
      { cursor: "00".repeat(11) },
      { levelAt: "now" },
      { levelAt: -1 },
      { offsetMs: null },
      { limits: null },
      { limits: { maxAgeMs: -1, allowsTtl: true } },
      { limits: { maxAgeMs: 1 } },
    ]) {
      const shown = JSON.stringify(wrong);
      assert.equal(seenOf(sealed({ ...fields, ...wrong })), undefined, shown);
    }
    assert.equal(seenOf("[]"), undefined);
    for (const [field, figure] of [
      ["levelAt", seen.levelAt],
      ["offsetMs", seen.offsetMs],
    ] as const) {
      const infinite = text.replace(`"${field}":${figure}`, `"${field}":1e999`);
      assert.notEqual(infinite, text);
      assert.equal(seenOf(infinite), undefined, infinite);
    }
  });

  test("is nothing, or what was written, whichever bit of it goes bad", () => {
    const bytes = Buffer.from(textOfSeen(seen));
    for (let bit = 0; bit < 8 * bytes.length; bit += 1) {
      const bad = Buffer.from(bytes);
      bad[bit >>> 3] = (bad[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      const read = seenOf(bad.toString());
      if (read !== undefined) assert.deepEqual(read, seen, bad.toString());
    }
  });

  test("proves a copy current that has all that was there then, and no other", () => {
    assert.equal(levelAtOf(seen, "b", at(7)), 1000);
    assert.equal(levelAtOf(seen, "b", at(8)), 1000);
    // What came after the last write to the disk was lost with the process, or damage took it.
    assert.equal(levelAtOf(seen, "b", at(6)), undefined);
    assert.equal(levelAtOf(seen, "b", WatchCursor.none), undefined);
    assert.equal(levelAtOf(seen, "another", at(7)), undefined);
    assert.equal(levelAtOf(seen, undefined, at(7)), undefined);
    assert.equal(levelAtOf({ ...seen, cursor: WatchCursor.none }, "b", at(7)), undefined);
    assert.equal(levelAtOf(undefined, "b", at(7)), undefined);
  });
});

describe("what was seen of a bucket by a copy that has lost its position", () => {
  test("is gone before the copy is filled again, and vouches for no half of it", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("copy");
    await using connection = await openInProcess();
    const source = await connection.createBucket("b");
    await source.put("a", bytesOf("1"));
    const file = new SeenFile(nodeFileSystem, path);
    {
      await using replica = await openReplica({ source, path });
      await replica.ready();
    }
    assert.notEqual((await file.read())?.levelAt, undefined);
    await rm(join(path, "copy.snap"));
    connection.disconnect();
    await using replica = await openReplica({ source, path });
    assert.equal(replica.status().asOf, undefined);
    assert.equal((await file.read())?.levelAt, undefined);
  });
});
