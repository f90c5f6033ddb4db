import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { openReplica, type ReplicaEvent } from "../../src/replica/index.js";
import { bytes } from "../support/bucket.js";
import { assertMirrors } from "../support/copies.js";
import { openScene } from "../support/scene.js";

describe("an audit of a replica", () => {
  test("finds a key that the bucket lost without a word, removes it and tells of it", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    for (const key of ["a", "b", "c"]) await source.put(key, bytes(key));
    const events: ReplicaEvent[] = [];
    await using replica = await openReplica({
      source,
      path,
      onEvent: (event) => void events.push(event),
    });
    await replica.ready();
    assert.deepEqual((await replica.audit()).differing, []);
    const changes = replica.changes();
    await source.deleteMessage(2n);
    const { records, extra, missing, stale, differing } = await replica.audit();
    assert.deepEqual([records, extra, missing, stale], [2, 1, 0, 0]);
    assert.equal(differing[0]?.key, "b");
    const { value } = await changes.next();
    assert.deepEqual(
      (value as readonly { key: string; reason: string }[]).map(({ key, reason }) => [key, reason]),
      [["b", "vanished"]],
    );
    await assertMirrors(replica, source);
    const { counters } = replica.status();
    assert.deepEqual([counters.audits, counters.reconciled], [2, 1]);
    assert.equal(events.filter(({ type }) => type === "audited").length, 2);
  });

  test("asked for many times at once is no leak of listeners", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    await using replica = await openReplica({ source, path });
    await replica.ready();
    const warnings: string[] = [];
    const onWarning = ({ name }: Error): void => void warnings.push(name);
    process.on("warning", onWarning);
    try {
      await Promise.all(Array.from({ length: 30 }, () => replica.audit()));
      // A warning is told a tick later.
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off("warning", onWarning);
    }
    assert.deepEqual(warnings, []);
  });

  test("is given up with the signal's reason, and refused once the replica is closed", async () => {
    await using scene = await openScene();
    const { connection, source, path } = scene;
    const replica = await openReplica({ source, path });
    await replica.ready();
    connection.disconnect();
    const reason = new Error("no longer interested");
    await assert.rejects(
      replica.audit({ signal: AbortSignal.abort(reason) }),
      (error) => error === reason,
    );
    await replica.close();
    await assert.rejects(replica.audit(), (error) => isMillpondError(error, "closed"));
  });
});
