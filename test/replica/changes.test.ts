import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { type InProcessBucket, openInProcess } from "../../src/in-process/index.js";
import { openReplica, type Replica, type ReplicaChange } from "../../src/replica/index.js";
import { ChangeFeed } from "../../src/replica/change-feed.js";
import { bytes } from "../support/bucket.js";
import { put, removal } from "../support/scripted-source.js";
import { MemoryStore } from "../support/memory-store.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

interface Scene extends AsyncDisposable {
  readonly source: InProcessBucket;
  readonly replica: Replica;
}

async function openScene(): Promise<Scene> {
  const directory = await tempDirectory();
  const connection = await openInProcess();
  const source = await connection.createBucket("b");
  await source.put("a.1", bytes("old"));
  const replica = await openReplica({ source, path: directory.file("copy") });
  await replica.ready();
  return {
    source,
    replica,
    async [Symbol.asyncDispose]() {
      await replica.close();
      await connection.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}

function text(value?: Uint8Array): string {
  return value === undefined ? "-" : Buffer.from(value).toString();
}

/** `a.1: old → new (put @2)` */
function shown({ key, previous, entry, reason, revision }: ReplicaChange): string {
  return `${key}: ${text(previous?.value)} → ${text(entry?.value)} (${reason} @${revision})`;
}

async function take(
  changes: AsyncIterator<readonly ReplicaChange[]>,
  count: number,
): Promise<string[]> {
  const taken: string[] = [];
  while (taken.length < count) {
    const step = await changes.next();
    if (step.done === true) throw new Error(`ended after ${taken.join(", ")}`);
    taken.push(...step.value.map(shown));
  }
  return taken;
}

describe("changes of a replica", () => {
  test("tell what was there before, what is there now and why, once it can be read", async () => {
    await using scene = await openScene();
    const { source, replica } = scene;
    const changes = replica.changes();
    // One at a time: a bucket keeps only the last record of a key, and may deliver no other.
    await replica.waitFor(await source.put("a.1", bytes("new")));
    await replica.waitFor(await source.put("b.1", bytes("1")));
    await replica.waitFor(await source.delete("a.1"));
    await replica.waitFor(await source.purge("b.1"));
    assert.deepEqual(await take(changes, 4), [
      "a.1: old → new (put @2)",
      "b.1: - → 1 (put @3)",
      "a.1: new → - (deleted @4)",
      "b.1: 1 → - (purged @5)",
    ]);
    assert.equal(replica.size, 0);
  });

  test("are those of a prefix, and none of a removal of what was not there", async () => {
    await using scene = await openScene();
    const { source, replica } = scene;
    const changes = replica.changes({ prefix: "a." });
    await source.delete("a.none");
    await source.put("b.1", bytes("1"));
    await source.put("a.2", bytes("2"));
    assert.deepEqual(await take(changes, 1), ["a.2: - → 2 (put @4)"]);
  });

  test("of two who follow them are each one's own to change", async () => {
    await using scene = await openScene();
    const { source, replica } = scene;
    const [one, other] = [replica.changes(), replica.changes()];
    await source.put("a.1", bytes("new"));
    const first = await one.next();
    assert.ok(first.done !== true);
    first.value[0]?.entry?.value.fill(0);
    first.value[0]?.previous?.value.fill(0);
    assert.deepEqual(await take(other, 1), ["a.1: old → new (put @2)"]);
    assert.deepEqual(replica.get("a.1"), bytes("new"));
  });

  test("end without an error when the replica is closed, after what was still waiting", async () => {
    await using scene = await openScene();
    const { source, replica } = scene;
    const changes = replica.changes();
    await source.put("a.1", bytes("new"));
    await until("it has arrived", () => replica.entry("a.1")?.revision === 2n);
    await replica.close();
    assert.deepEqual(await take(changes, 1), ["a.1: old → new (put @2)"]);
    assert.equal((await changes.next()).done, true);
    assert.throws(
      () => replica.changes(),
      (error) => isMillpondError(error, "closed"),
    );
  });

  test("end with the signal's reason when it is aborted, at once", async () => {
    await using scene = await openScene();
    const { replica } = scene;
    const controller = new AbortController();
    const reason = new Error("no longer interested");
    const next = replica.changes({ signal: controller.signal }).next();
    controller.abort(reason);
    await assert.rejects(next, (error) => error === reason);
    await assert.rejects(
      replica.changes({ signal: controller.signal }).next(),
      (error) => error === reason,
    );
  });

  test("end with what stopped the replica", async () => {
    await using directory = await tempDirectory();
    await using connection = await openInProcess();
    const source = connection.bucket("nowhere");
    const path = directory.file("copy");
    await using replica = await openReplica({ source, path, failFast: true });
    const changes = replica.changes();
    await assert.rejects(changes.next(), (error) => isMillpondError(error, "bucket-not-found"));
    assert.equal((await changes.next()).done, true);
  });

  test("refuse limits out of bounds", async () => {
    await using scene = await openScene();
    for (const limits of [{ maxQueued: 0 }, { maxQueuedBytes: 1.5 }]) {
      assert.throws(
        () => scene.replica.changes(limits),
        (error) => isMillpondError(error, "invalid-argument"),
      );
    }
  });
});

describe("changes that are not taken", () => {
  const copy = MemoryStore.of([put("a", 1)]);

  test("end with an error beyond the limit, and what waited is dropped", async () => {
    const feed = new ChangeFeed();
    const changes = feed.subscribe({ maxQueued: 3 });
    const quick = feed.subscribe({ maxQueued: 3 });
    // One batch more than the limit may wait.
    for (let revision = 2; revision <= 5; revision += 2) {
      feed.capture(copy, [put("a", revision), put("b", revision + 1)])?.();
      assert.equal((await quick.next()).done, false);
    }
    feed.capture(copy, [put("a", 6)])?.();
    await assert.rejects(
      changes.next(),
      (error) => isMillpondError(error, "missed") && error.hint !== undefined,
    );
    assert.equal((await changes.next()).done, true);
    assert.equal((await quick.next()).done, false);
  });

  test("are bounded in bytes too", async () => {
    const feed = new ChangeFeed();
    const changes = feed.subscribe({ maxQueuedBytes: 100 });
    feed.capture(copy, [put("b", 2, "x".repeat(100))])?.();
    feed.capture(copy, [put("c", 3)])?.();
    await assert.rejects(changes.next(), (error) => isMillpondError(error, "missed"));
  });

  test("cost nothing where nobody follows them, nor after the last one has left", async () => {
    const feed = new ChangeFeed();
    const updates = [put("a", 2)];
    const unread = {
      get: (): undefined => assert.fail("the copy was read though nobody follows it"),
    };
    assert.equal(feed.capture(unread, updates), undefined);
    const changes = feed.subscribe({});
    assert.notEqual(feed.capture(copy, updates), undefined);
    await changes.return?.();
    assert.equal(feed.capture(unread, updates), undefined);
  });

  test("are told of another record of the same revision too, as a bucket that was made again has", async () => {
    const feed = new ChangeFeed();
    const changes = feed.subscribe({});
    feed.capture(copy, [put("a", 1, "of another making")])?.();
    assert.deepEqual(await take(changes, 1), ["a: a@1 → of another making (put @1)"]);
  });

  test("of one batch build on each other, and leave out what is there already", async () => {
    const feed = new ChangeFeed();
    const changes = feed.subscribe({});
    const batch = [put("a", 1), put("a", 2, "two"), removal("a", 3), removal("a", 4), put("a", 5)];
    feed.capture(copy, batch)?.();
    assert.deepEqual(await take(changes, 3), [
      "a: a@1 → two (put @2)",
      "a: two → - (deleted @3)",
      "a: - → a@5 (put @5)",
    ]);
  });
});
