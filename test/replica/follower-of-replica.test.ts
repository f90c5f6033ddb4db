import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openInProcess } from "../../src/in-process/index.js";
import { openFollower, openReplica } from "../../src/replica/index.js";
import { bytes } from "../support/bucket.js";
import { shown, shownBucket } from "../support/copies.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

test("a follower has what its replica has, through compactions, a restart and a healed log", async () => {
  await using directory = await tempDirectory();
  const path = directory.file("copy");
  await using connection = await openInProcess();
  const source = await connection.createBucket("b");
  await using follower = await openFollower({ path, pollMs: 2 });
  const level = async (what: string): Promise<void> => {
    const wanted = (await shownBucket(source)).join();
    await until(what, () => shown(follower.entries()).join() === wanted);
  };
  {
    await using replica = await openReplica({ source, path, compactThreshold: 5000 });
    await replica.ready();
    for (let write = 0; write < 300; write += 1) {
      await source.put(`k.${write % 20}`, bytes(`value ${write} ${"x".repeat(60)}`));
    }
    await source.delete("k.3");
    await level("it has what was written");
    assert.deepEqual(follower.status().cursor, replica.status().cursor);
    assert.equal(follower.status().wentBack, 0);
  }
  await source.put("k.4", bytes("while it was stopped"));
  const log = join(path, "copy.snap");
  const content = await readFile(log);
  const value = content.lastIndexOf("value 2");
  content[value] = (content[value] ?? 0) ^ 1;
  // In place: a copy that goes on being the same file.
  await writeFile(log, content);
  await using replica = await openReplica({ source, path });
  await replica.ready();
  await level("it has what the healed replica has");
  assert.equal(follower.status().problem, undefined);
});
