import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { type InProcessBucket, openInProcess } from "../../src/in-process/index.js";
import { openReplica, type ReplicaOptions } from "../../src/replica/index.js";
import { VersionToken } from "../../src/values/index.js";
import { bytes } from "../support/bucket.js";
import { assertMirrors } from "../support/copies.js";
import { openScene } from "../support/scene.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

/** Opens a replica, waits until it has caught up and closes it. */
async function mirrorOnce(options: ReplicaOptions): Promise<void> {
  await using replica = await openReplica(options);
  await replica.ready();
}

describe("a replica that is opened again", () => {
  test("after history was evicted past its cursor drops what was deleted meanwhile", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    for (const key of ["a", "b", "c"]) await source.put(key, bytes("1"));
    await mirrorOnce({ source, path });
    await source.delete("a");
    for (let count = 0; count < 5; count += 1) await source.put("b", bytes(`${count}`));
    await source.put("c", bytes("2"));
    await source.evictBefore((await source.info()).lastSequence - 1n);
    await using replica = await openReplica({ source, path });
    assert.deepEqual(replica.get("a"), bytes("1"));
    await replica.ready();
    await assertMirrors(replica, source);
    const { resumed, missed, counters } = replica.status();
    assert.deepEqual([resumed, missed, counters.repairs], [false, undefined, 1]);
  });

  test("has the new value of a key that was deleted and written again meanwhile", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    for (const key of ["a", "b", "c"]) await source.put(key, bytes("1"));
    await mirrorOnce({ source, path });
    await source.delete("b");
    await source.create("b", bytes("again"));
    await source.purge("c");
    await source.create("c", bytes("again"));
    await source.delete("c");
    await using replica = await openReplica({ source, path });
    await replica.ready();
    await assertMirrors(replica, source);
    assert.deepEqual([replica.get("b"), replica.get("c")], [bytes("again"), undefined]);
    assert.equal(replica.status().resumed, true);
  });

  test("on a bucket that was made again, and outgrew the old cursor, holds the new one only", async () => {
    await using directory = await tempDirectory();
    await using connection = await openInProcess();
    const path = directory.file("copy");
    const first = await connection.createBucket("b");
    await first.put("old", bytes("1"));
    await mirrorOnce({ source: first, path });
    await connection.deleteBucket("b");
    const source = await connection.createBucket("b");
    await source.put("first", bytes("0"));
    for (let count = 0; count < 9; count += 1) await source.put("new", bytes(`${count}`));
    await using replica = await openReplica({ source, path });
    await replica.ready();
    await assertMirrors(replica, source);
    await replica.close();
    await using third = await openReplica({ source, path });
    await third.ready();
    assert.equal(third.status().resumed, true);
  });

  test("with a narrower scope drops the keys that it no longer follows", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    for (const key of ["a.1", "b.1", "c.1"]) await source.put(key, bytes("1"));
    await mirrorOnce({ source, path });
    await using replica = await openReplica({ source, path, scope: ["a.", "c."] });
    await replica.ready();
    await assertMirrors(replica, source, ["a.", "c."]);
    assert.equal(replica.status().resumed, false);
  });

  test("with a wider scope fetches the keys that it did not follow", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    for (const key of ["a.1", "b.1", "c.1"]) await source.put(key, bytes("1"));
    await mirrorOnce({ source, path, scope: ["c."] });
    await using replica = await openReplica({ source, path });
    await replica.ready();
    await assertMirrors(replica, source);
  });

  test("with the same scope in other words resumes", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    await source.put("a.1", bytes("1"));
    await mirrorOnce({ source, path, scope: ["b.", "a."] });
    await using replica = await openReplica({ source, path, scope: ["a.", "a.b", "b."] });
    await replica.ready();
    assert.equal(replica.status().resumed, true);
  });

  test("on another bucket holds that one only", async () => {
    await using directory = await tempDirectory();
    await using connection = await openInProcess();
    const path = directory.file("copy");
    const first = await connection.createBucket("first");
    await first.put("first", bytes("1"));
    await mirrorOnce({ source: first, path });
    const source = await connection.createBucket("second");
    await source.put("second", bytes("1"));
    await source.put("third", bytes("2"));
    await using replica = await openReplica({ source, path });
    await replica.ready();
    await assertMirrors(replica, source);
  });

  for (const [what, content] of [
    ["that is not JSON", "{"],
    ["of another format", '{"format":2,"bucket":"b","created":"?","scope":[""]}'],
    ["of the wrong shape", '{"format":1,"bucket":"b","created":"?","scope":"all"}'],
    ["that is empty", ""],
  ] as const) {
    test(`beside a replica.json ${what} does not trust its cursor`, async () => {
      await using scene = await openScene();
      const { source, path } = scene;
      await source.put("a", bytes("1"));
      await mirrorOnce({ source, path, format: 2 });
      await writeFile(join(path, "replica.json"), content);
      await mirrorOnce({
        source,
        path,
        format: 2,
        onEvent: (event) => {
          if (event.type === "ready") assert.equal(event.resumed, false);
        },
      });
      const noted: unknown = JSON.parse(await readFile(join(path, "replica.json"), "utf8"));
      const { created } = await source.info();
      assert.deepEqual(noted, { format: 1, bucket: "b", created, scope: [""] });
    });
  }
});

describe("a copy of which nothing shows that its bucket has the history it had", () => {
  for (const [why, format] of [
    ["its position has no time", 2],
    ["nothing is left at its position", 3],
  ] as const) {
    test(`is ready, live and waited for only once an audit has compared it: ${why}`, async () => {
      await using scene = await openScene();
      const { source, path } = scene;
      await source.put("a", bytes("old"));
      const backup = await source.backUp();
      await source.put("a", bytes("lost"));
      await mirrorOnce({ source, path, format });
      await source.rollBack(backup);
      for (const value of ["1", "2"]) await source.put("b", bytes(value));
      if (format === 3) await source.deleteMessage(3n);
      const seen: string[] = [];
      await using replica = await openReplica({
        source,
        path,
        format,
        onEvent: (event) => {
          if (event.type === "audited") seen.push("audited");
          else if (event.type === "ready") seen.push(`ready, resumed ${event.resumed}`);
          else if (event.type === "state" && event.state === "live") seen.push("live");
        },
      });
      await replica.waitFor(VersionToken.fromU64(3n));
      await assertMirrors(replica, source);
      assert.deepEqual(seen, ["audited", "live", "ready, resumed true"]);
    });
  }
});

interface StoppedCopy extends AsyncDisposable {
  readonly source: InProcessBucket;
  readonly path: string;
}

/** A bucket with the keys a, b and c, and a copy of it whose replica is closed. */
async function stoppedCopy(): Promise<StoppedCopy> {
  const directory = await tempDirectory();
  const connection = await openInProcess();
  const source = await connection.createBucket("b");
  const path = directory.file("copy");
  for (const key of ["a", "b", "c"]) await source.put(key, bytes("1"));
  await mirrorOnce({ source, path });
  return {
    source,
    path,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

describe("a replica of a bucket that was purged past its markers while it was stopped", () => {
  test("holds nothing when all of it was purged, and tells why it was repaired", async () => {
    await using stopped = await stoppedCopy();
    const { source, path } = stopped;
    await source.evictBefore((await source.info()).lastSequence + 1n);
    const reasons: string[] = [];
    await using replica = await openReplica({
      source,
      path,
      onEvent: (event) => event.type === "repair-started" && reasons.push(event.reason),
    });
    await replica.ready();
    await assertMirrors(replica, source);
    assert.deepEqual(reasons, ["cursor-expired"]);
  });

  test("holds only what was written since", async () => {
    await using stopped = await stoppedCopy();
    const { source, path } = stopped;
    await source.evictBefore((await source.info()).lastSequence + 1n);
    for (const key of ["c", "d", "e", "f", "g"]) await source.put(key, bytes("2"));
    await using replica = await openReplica({ source, path });
    await replica.ready();
    await assertMirrors(replica, source);
  });

  test("holds only what was left when most of it was purged", async () => {
    await using stopped = await stoppedCopy();
    const { source, path } = stopped;
    await source.evictBefore((await source.info()).lastSequence);
    await using replica = await openReplica({ source, path });
    await replica.ready();
    await assertMirrors(replica, source);
  });

  test("holds only what was left when records were purged from the middle of it", async () => {
    await using stopped = await stoppedCopy();
    const { source, path } = stopped;
    await source.deleteMessage(2n);
    await using replica = await openReplica({ source, path });
    await replica.ready();
    await assertMirrors(replica, source);
  });

  test("resumes when it is empty, as its copy is", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    await source.put("a", bytes("1"));
    await source.delete("a");
    await mirrorOnce({ source, path });
    await source.purgeDeletes();
    await using replica = await openReplica({ source, path });
    await replica.ready();
    assert.equal(replica.status().resumed, true);
  });
});

describe("a bucket that is made again under a running replica", () => {
  test("is followed once it is back, and the replica holds nothing of the old one", async () => {
    await using directory = await tempDirectory();
    await using connection = await openInProcess();
    const path = directory.file("copy");
    const first = await connection.createBucket("b");
    await first.put("old", bytes("1"));
    const retry = { minMs: 1, maxMs: 2 };
    await using replica = await openReplica({ source: first, path, retry });
    await replica.ready();
    await connection.deleteBucket("b");
    const source = await connection.createBucket("b");
    await source.put("first", bytes("0"));
    for (let count = 0; count < 9; count += 1) await source.put("new", bytes(`${count}`));
    await until(
      "it is live again",
      () => replica.status().counters.repairs === 1 && replica.status().state === "live",
    );
    await assertMirrors(replica, source);
    await replica.close();
    await using reopened = await openReplica({ source, path });
    await reopened.ready();
    assert.equal(reopened.status().resumed, true);
  });
});
