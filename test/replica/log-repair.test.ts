import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { openInProcess } from "../../src/in-process/index.js";
import type { KvStore } from "../../src/kv/index.js";
import { connect } from "../../src/nats/index.js";
import { openReplica, type ReplicaEvent } from "../../src/replica/index.js";
import { bytes } from "../support/bucket.js";
import { assertMirrors } from "../support/copies.js";
import { serverVersions, startNatsServer } from "../support/nats-server.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

const KEYS = 60;
/** Half of the keys are written with it: it is looked for in the log, to damage a value and not a length. */
const EARLY = "written early";

/**
 * Fills the bucket in two halves and one key more, and follows each by itself, so that a position lies between them and the
 * second half is not the log's end.
 */
async function keepCopy(source: KvStore, path: string): Promise<void> {
  for (const [from, to, text] of [
    [0, KEYS / 2, EARLY],
    [KEYS / 2, KEYS, "written late"],
    [KEYS, KEYS + 1, "written last"],
  ] as const) {
    for (let key = from; key < to; key += 1) {
      await source.put(`k.${key}`, bytes(`${text} ${key}`));
    }
    await using replica = await openReplica({ source, path });
    await replica.ready();
  }
}

/** Flips a bit in a value of the second half. */
async function damage(path: string): Promise<Buffer> {
  const log = join(path, "copy.snap");
  const content = await readFile(log);
  const at = content.indexOf(`written late ${KEYS - 5}`);
  assert.ok(at > 0);
  content[at] = (content[at] ?? 0) ^ 1;
  await writeFile(log, content);
  return content;
}

async function requireHealed(source: KvStore, path: string, damaged: Buffer): Promise<void> {
  const events: ReplicaEvent[] = [];
  await using replica = await openReplica({
    source,
    path,
    onEvent: (event) => void events.push(event),
  });
  assert.ok(replica.size >= KEYS / 2, "it serves what was kept before the bucket is reached");
  await replica.ready();
  await assertMirrors(replica, source);
  const [event] = events;
  assert.ok(event?.type === "log-repaired");
  const { store, resumed } = replica.status();
  assert.deepEqual(store.repaired, event.repair);
  assert.equal(resumed, true);
  const { setAside, cursor } = event.repair;
  assert.equal(cursor.toU64(), BigInt(KEYS / 2));
  assert.deepEqual(await readFile(setAside ?? ""), damaged);
  assert.equal((await readdir(path)).filter((name) => name.includes(".corrupt-")).length, 1);
}

describe("a replica whose log was damaged while it was stopped", () => {
  test("takes what was kept of a log of format 2 for no making's, which another note beside it names", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("copy");
    await using connection = await openInProcess();
    const retaining = { path, format: 2, expiry: "retain" } as const;
    const limits = { maxAgeMs: 3_600_000 };
    for (const text of ["of the first making", "of the second making"]) {
      const source = await connection.createBucket("b", limits);
      await source.put(text.replaceAll(" ", "."), bytes(text));
      await using replica = await openReplica({ source, ...retaining });
      await replica.ready();
      await source.put("last", bytes("1"));
      await until("it has the last", () => replica.get("last") !== undefined);
      if (text === "of the first making") await connection.deleteBucket("b");
    }
    const log = join(path, "copy.snap");
    const content = await readFile(log);
    const at = content.indexOf("of the second making");
    content[at] = (content[at] ?? 0) ^ 1;
    await writeFile(log, content);
    const source = connection.bucket("b");
    await using replica = await openReplica({ source, ...retaining });
    assert.ok(replica.get("of.the.first.making") !== undefined, "it serves what was kept");
    await replica.ready();
    await assertMirrors(replica, source);
  });

  test("serves what is good, says so, and follows from the last good position", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("copy");
    await using connection = await openInProcess();
    const source = await connection.createBucket("b");
    await keepCopy(source, path);
    await requireHealed(source, path, await damage(path));
    await using replica = await openReplica({ source, path });
    await replica.ready();
    assert.equal(replica.status().store.repaired, undefined);
    await assertMirrors(replica, source);
  });

  test("converges also where its bucket was made anew meanwhile", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("copy");
    await using connection = await openInProcess();
    await keepCopy(await connection.createBucket("b"), path);
    await damage(path);
    await connection.deleteBucket("b");
    const source = await connection.createBucket("b");
    for (let key = 0; key < 2 * KEYS; key += 1) await source.put(`n.${key}`, bytes("new"));
    await using replica = await openReplica({ source, path });
    await replica.ready();
    await assertMirrors(replica, source);
  });

  test("does not open where that is wanted, and the log stays as it is", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("copy");
    await using connection = await openInProcess();
    const source = await connection.createBucket("b");
    await keepCopy(source, path);
    const damaged = await damage(path);
    await assert.rejects(openReplica({ source, path, onCorruption: "throw" }), (error) =>
      isMillpondError(error, "corrupted"),
    );
    assert.deepEqual(await readFile(join(path, "copy.snap")), damaged);
  });

  for (const version of serverVersions) {
    test(`converges with a bucket on nats-server ${version}`, async () => {
      await using server = await startNatsServer({ version });
      await using directory = await tempDirectory();
      const path = directory.file("copy");
      await using connection = await connect({ servers: server.url });
      const source = await connection.createBucket("b");
      await keepCopy(source, path);
      await requireHealed(source, path, await damage(path));
    });
  }
});
