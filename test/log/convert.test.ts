import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { readFile, stat, chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { convert, readSnapshot, verify } from "../../src/log/index.js";
import type { KvEntry } from "../../src/values/index.js";
import { runCli } from "../support/cli.js";
import { withCode } from "../support/log-files.js";
import { systemError } from "../support/memory-file-system.js";
import { randomBatches } from "../support/random-batches.js";
import { seedOfRun } from "../support/seed.js";
import { tempDirectory } from "../support/temp-directory.js";
import { del, purge, put } from "../support/updates.js";
import { diskWith, LOG_PATH, positionAt, V3Log } from "../support/v3-logs.js";

const TO = "/disk/to.snap";
const NOTHING = { times: 0, ttls: 0, purges: 0, cursorTimes: 0, origins: 0 };

function timed(): V3Log {
  return new V3Log()
    .batch(
      [
        { ...put("a", "1", 1), timeMs: 5, ttlMs: 6 },
        { ...del("b", 2), timeMs: 7 },
      ],
      positionAt(2, "here"),
    )
    .batch([purge("c", 3)], positionAt(3))
    .batch([put("d", "4", 4)]);
}

describe("converting a log", () => {
  for (const name of readdirSync(join("test", "vectors", "v2", "good"))) {
    if (!name.endsWith(".snap") || name.includes(".after.")) continue;
    test(`of format 2 to 3 and back gives the same bytes: ${name}`, async () => {
      const bytes = readFileSync(join("test", "vectors", "v2", "good", name));
      const fs = await diskWith(bytes);
      const there = await convert(LOG_PATH, TO, { format: 3, fs });
      assert.deepEqual([there.from, there.to, there.dropped], [2, 3, NOTHING]);
      assert.equal(there.bytes, fs.content(TO)?.length);
      await convert(TO, "/disk/back.snap", { format: 2, fs });
      assert.deepEqual(fs.content("/disk/back.snap"), bytes);
      assert.deepEqual(fs.content(LOG_PATH), bytes);
    });
  }

  test("adds up to the same, in format 2 without what that has no room for", async () => {
    const seed = seedOfRun();
    for (let round = 0; round < 50; round += 1) {
      const log = new V3Log();
      for (const { updates, position } of randomBatches(seed + round)) log.batch(updates, position);
      const fs = await diskWith(log.bytes);
      await convert(LOG_PATH, "/disk/3.snap", { format: 3, fs });
      await convert(LOG_PATH, "/disk/2.snap", { format: 2, fs });
      const was = await readSnapshot(LOG_PATH, { fs });
      const what = `seed ${seed}, round ${round}`;
      assert.deepEqual(await readSnapshot("/disk/3.snap", { fs }), was, what);
      const bare = [...(was?.entries.values() ?? [])].map(
        ({ key, value, version }): [string, KvEntry] => [key, { key, value, version }],
      );
      const rest = was && { ...was, cursorTimeNs: 0n, origin: undefined };
      assert.deepEqual(
        await readSnapshot("/disk/2.snap", { fs }),
        rest && { ...rest, entries: new Map(bare) },
        what,
      );
    }
  });

  test("to format 2 says what it dropped, and how many", async () => {
    const fs = await diskWith(timed().bytes);
    assert.deepEqual(await convert(LOG_PATH, TO, { format: 2, fs }), {
      from: 3,
      to: 2,
      updates: 4,
      bytes: fs.content(TO)?.length,
      tornBytes: 0,
      dropped: { times: 2, ttls: 1, purges: 1, cursorTimes: 2, origins: 1 },
    });
  });

  test("leaves out a torn tail, and says how long it was", async () => {
    const fs = await diskWith(timed().bytes.subarray(0, -1));
    const { tornBytes, updates } = await convert(LOG_PATH, TO, { format: 3, fs });
    assert.equal(updates, 3);
    assert.ok(tornBytes > 0);
    assert.equal((await verify(TO, { fs })).tornBytes, 0);
  });

  test("refuses what is damaged, what is there already, and what is not there", async () => {
    const { bytes } = timed();
    const fs = await diskWith(bytes);
    await assert.rejects(convert(LOG_PATH, LOG_PATH, { format: 2, fs }), withCode("io"));
    await assert.rejects(convert("/disk/none.snap", TO, { format: 2, fs }), withCode("io"));
    bytes[30] = (bytes[30] ?? 0) ^ 1;
    const damaged = await diskWith(bytes);
    await assert.rejects(convert(LOG_PATH, TO, { format: 2, fs: damaged }), withCode("corrupted"));
    assert.deepEqual(damaged.names, [LOG_PATH]);
    const held = await fs.lock(TO);
    await assert.rejects(convert(LOG_PATH, TO, { format: 2, fs }), withCode("locked"));
    await held.release();
  });

  test("that fails at any file operation leaves a whole file or none, and the old one as it was", async () => {
    const { bytes } = timed();
    let whole = 0;
    for (let failing = 0; ; failing += 1) {
      const fs = await diskWith(bytes);
      let left = failing;
      fs.setHook(() => {
        left -= 1;
        return left === -1 ? { error: systemError("EIO"), partialBytes: 3 } : undefined;
      });
      const failed = await convert(LOG_PATH, TO, { format: 3, fs }).then(
        () => false,
        (error: unknown) => isMillpondError(error, "io"),
      );
      fs.setHook(() => undefined);
      assert.deepEqual(fs.content(LOG_PATH), bytes);
      if (fs.content(TO) !== undefined) {
        whole += 1;
        assert.deepEqual(await readSnapshot(TO, { fs }), await readSnapshot(LOG_PATH, { fs }));
      } else assert.ok(failed, `operation ${failing}`);
      if (left >= 0) break;
    }
    assert.ok(whole > 0);
  });

  test("does not take the place of a file that appears meanwhile", async () => {
    const fs = await diskWith(timed().bytes);
    fs.setHook(({ name }) => {
      if (name !== "sync") return undefined;
      fs.setHook(() => undefined);
      void fs.open(TO, "create");
      return undefined;
    });
    await assert.rejects(convert(LOG_PATH, TO, { format: 2, fs }), withCode("io"));
    assert.equal(fs.content(TO)?.length, 0);
    assert.deepEqual(fs.names, [LOG_PATH, TO]);
  });

  test("works where a file can have one name only", async () => {
    const fs = await diskWith(timed().bytes);
    fs.setHook(({ name }) =>
      name === "link" ? { error: systemError("EPERM"), partialBytes: 0 } : undefined,
    );
    await convert(LOG_PATH, TO, { format: 2, fs });
    assert.deepEqual(fs.names, [LOG_PATH, TO]);
  });
});

describe("millpond convert", () => {
  test("makes the file with the mode of the old one and says what was dropped", async () => {
    await using directory = await tempDirectory();
    const from = directory.file("from.snap");
    const to = directory.file("to.snap");
    await writeFile(from, timed().bytes);
    await chmod(from, 0o640);
    const result = await runCli("convert", from, to, "--format", "2", "--json");
    assert.equal(result.status, 0);
    assert.deepEqual(result.records, [
      {
        file: to,
        from: 3,
        to: 2,
        updates: 4,
        bytes: (await readFile(to)).length,
        tornBytes: 0,
        dropped: { times: 2, ttls: 1, purges: 1, cursorTimes: 2, origins: 1 },
      },
    ]);
    assert.match(result.stderr, /no room for 2 times of changes/);
    assert.match(result.stderr, /1 purges became deletes/);
    assert.equal((await stat(to)).mode & 0o777, 0o640);
    assert.equal((await runCli("convert", from, to, "--format", "2")).status, 1);
  });

  test("needs to be told a format that there is", async () => {
    for (const format of [[], ["--format", "4"]]) {
      assert.equal((await runCli("convert", "a", "b", ...format)).status, 2);
    }
  });
});

describe("cat and inspect of a format 3 log", () => {
  test("show times, what the cursor belongs to, and when it was", async () => {
    await using directory = await tempDirectory();
    const file = directory.file("x.snap");
    await writeFile(file, timed().bytes);
    const listed = await runCli("cat", file, "--json");
    assert.deepEqual(listed.records, [
      { key: "a", value: "MQ==", version: "0000000000000001", timeMs: 5, ttlMs: 6 },
      { key: "d", value: "NA==", version: "0000000000000004" },
    ]);
    const shown = await runCli("cat", file);
    assert.equal(shown.stdout.toString().split("\n")[0], "a\t0000000000000001\tMQ==\t5\t6");
    assert.match(shown.stderr, /^origin: here$/m);
    const [inspected] = (await runCli("inspect", file, "--json")).records;
    assert.deepEqual(inspected, {
      file,
      result: "ok",
      format: 3,
      cursor: "0000000000000003",
      cursorTime: "1970-01-01T00:00:03.000000000Z",
      origin: "here",
      entries: 2,
      records: 4,
      frames: 3,
      bytes: timed().size,
      tornBytes: 0,
    });
    assert.match((await runCli("inspect", file)).stdout.toString(), /origin here/);
    assert.equal((await runCli("verify", file)).status, 0);
  });
});
