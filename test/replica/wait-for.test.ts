import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { openInProcess } from "../../src/in-process/index.js";
import { systemClock } from "../../src/platform/index.js";
import { CurrentCopy } from "../../src/replica/current-copy.js";
import { openReplica } from "../../src/replica/index.js";
import { Progress } from "../../src/replica/progress.js";
import { WatchCursor } from "../../src/values/index.js";
import { bytes } from "../support/bucket.js";
import { MemoryStore } from "../support/memory-store.js";
import { openScene } from "../support/scene.js";

describe("waiting for a revision", () => {
  test("lasts until one's own write can be read, given as a version or as a number", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    await using replica = await openReplica({ source, path });
    await replica.waitFor(await source.put("a", bytes("1")));
    assert.deepEqual(replica.get("a"), bytes("1"));
    const revision = (await source.put("a", bytes("2"))).toU64() ?? 0n;
    await replica.waitFor(revision);
    assert.deepEqual(replica.get("a"), bytes("2"));
    // What is behind it is there already.
    await replica.waitFor(1n);
  });

  test("ends for a revision of a key out of scope, once the position is past it", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    await using replica = await openReplica({ source, path, scope: ["a."] });
    await replica.ready();
    await replica.waitFor(await source.put("b.1", bytes("1")));
    assert.equal(replica.size, 0);
  });

  test("ends while the disk fails: what can be read counts, not what is written", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    const store = new MemoryStore();
    await using replica = await openReplica({
      source,
      path,
      retry: { minMs: 1, maxMs: 2 },
      openStore: async () => store,
    });
    await replica.ready();
    store.error = new Error("no space left on device");
    await replica.waitFor(await source.put("a", bytes("1")));
    assert.deepEqual(replica.get("a"), bytes("1"));
    assert.equal(replica.status().store.ok, false);
    store.error = undefined;
  });

  test("is given up with the signal's reason, and with `closed`", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    const replica = await openReplica({ source, path });
    await replica.ready();
    const controller = new AbortController();
    const reason = new Error("no longer interested");
    const waiting = replica.waitFor(99n, { signal: controller.signal });
    const other = assert.rejects(replica.waitFor(99n), (error) => isMillpondError(error, "closed"));
    controller.abort(reason);
    await assert.rejects(waiting, (error) => error === reason);
    await replica.close();
    await other;
  });

  test("is over at once after a restart for what the disk has", async () => {
    await using scene = await openScene();
    const { connection, source, path } = scene;
    const version = await source.put("a", bytes("1"));
    {
      await using replica = await openReplica({ source, path });
      await replica.waitFor(version);
    }
    connection.disconnect();
    await using replica = await openReplica({ source, path });
    await replica.waitFor(version);
  });

  test("needs no audit where what could not be proven is filled anew", async () => {
    await using connection = await openInProcess();
    const source = await connection.createBucket("b");
    const copy = new CurrentCopy(new MemoryStore(), { text: undefined });
    const progress = new Progress(systemClock, source, () => undefined);
    const cursor = WatchCursor.fromU64(2);
    progress.move("opened");
    progress.watched({ type: "watching", from: cursor, isUnproven: true }, copy);
    progress.watched({ type: "caught-up", cursor }, copy);
    assert.equal(progress.state, "syncing");
    assert.equal(progress.isReady, false);
    progress.watched({ type: "watching", from: WatchCursor.none }, copy);
    progress.watched({ type: "caught-up", cursor }, copy);
    assert.equal(progress.state, "live");
    assert.equal(progress.isReady, true);
  });

  test("lasts while a later record of the key may be on its way: until the copy is level", async () => {
    await using connection = await openInProcess();
    const source = await connection.createBucket("b");
    const copy = new CurrentCopy(new MemoryStore(), { text: undefined });
    const progress = new Progress(systemClock, source, () => undefined);
    const heard = (revision: number, pending: number): void => {
      const cursor = WatchCursor.fromU64(revision);
      const event = { type: "progress", received: 1, pending, caughtUp: true, cursor } as const;
      progress.watched(event, copy);
    };
    progress.move("opened");
    progress.watched({ type: "watching", from: WatchCursor.fromU64(1) }, copy);
    progress.watched({ type: "caught-up", cursor: WatchCursor.fromU64(1) }, copy);
    heard(9, 3);
    assert.equal(progress.hasWhole(WatchCursor.fromU64(5)), false);
    heard(12, 0);
    assert.equal(progress.hasWhole(WatchCursor.fromU64(5)), true);
    assert.equal(progress.hasWhole(WatchCursor.fromU64(13)), false);
    progress.watched({ type: "repair-started", reason: "foreign-cursor" }, copy);
    assert.equal(progress.hasWhole(WatchCursor.fromU64(5)), false);
  });
});
