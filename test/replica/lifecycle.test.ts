import assert from "node:assert/strict";
import { readdir, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { openInProcess } from "../../src/in-process/index.js";
import { type Clock, systemClock } from "../../src/platform/index.js";
import { openReplica, type ReplicaEvent } from "../../src/replica/index.js";
import { bytes } from "../support/bucket.js";
import { Gate } from "../support/gate.js";
import { openScene } from "../support/scene.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

/** The machine's timers, and a time of day that the test sets. */
function clockOf(now: () => number): Clock {
  return { now, schedule: (...rest) => systemClock.schedule(...rest) };
}

describe("a replica", () => {
  test("mirrors a bucket, and after a restart fetches only what it missed", async () => {
    await using directory = await tempDirectory();
    const path = directory.file("copy");
    await using connection = await openInProcess();
    const bucket = await connection.createBucket("routes");
    await bucket.put("edge.a", bytes("1"));
    await bucket.put("edge.b", bytes("2"));
    await bucket.delete("edge.b");
    {
      await using replica = await openReplica({ source: bucket, path });
      await replica.ready();
      assert.deepEqual(replica.get("edge.a"), bytes("1"));
      assert.equal(replica.get("edge.b"), undefined);
      assert.equal(replica.size, 1);
      assert.equal(replica.status().state, "live");
      assert.equal(replica.status().resumed, false);
      await bucket.put("edge.c", bytes("3"));
      await until("the put has arrived", () => replica.get("edge.c") !== undefined);
    }
    await bucket.put("edge.a", bytes("4"));
    await bucket.delete("edge.c");
    const events: ReplicaEvent[] = [];
    await using replica = await openReplica({
      source: bucket,
      path,
      onEvent: (event) => void events.push(event),
    });
    await replica.ready();
    assert.deepEqual(
      [...replica.entries()].map(({ key, value, revision }) => [
        key,
        Buffer.from(value).toString(),
        revision,
      ]),
      [["edge.a", "4", 5n]],
    );
    const status = replica.status();
    assert.equal(status.resumed, true);
    assert.equal(status.missed, 2);
    assert.equal(status.received, 2);
    assert.deepEqual(
      events.filter(({ type }) => type === "ready"),
      [{ type: "ready", cursor: status.cursor, size: 1, resumed: true, received: 2 }],
    );
  });

  test("of a bucket that does not exist says so, and goes on once there is one", async () => {
    await using directory = await tempDirectory();
    await using connection = await openInProcess();
    const source = connection.bucket("later");
    await using replica = await openReplica({ source, path: directory.file("copy") });
    await until("it has said so", () =>
      isMillpondError(replica.status().lastError, "bucket-not-found") ? true : undefined,
    );
    assert.notEqual(replica.status().state, "failed");
    await connection.createBucket("later");
    await replica.ready();
    assert.equal(replica.status().state, "live");
  });

  test("of a bucket that does not exist stops where failFast is on, and says so", async () => {
    await using directory = await tempDirectory();
    await using connection = await openInProcess();
    const source = connection.bucket("nowhere");
    const path = directory.file("copy");
    await using replica = await openReplica({ source, path, failFast: true });
    await assert.rejects(replica.ready(), (error) => isMillpondError(error, "bucket-not-found"));
    assert.equal(replica.status().state, "failed");
  });

  test("serves what it has at once while the bucket cannot be reached, and catches up when it can", async () => {
    await using scene = await openScene();
    const { connection, source, path } = scene;
    await source.put("a", bytes("1"));
    await source.put("b", bytes("1"));
    {
      await using first = await openReplica({ source, path });
      await first.ready();
    }
    await source.put("a", bytes("2"));
    connection.disconnect();
    await using replica = await openReplica({ source, path, retry: { minMs: 1, maxMs: 2 } });
    assert.deepEqual(replica.get("a"), bytes("1"));
    assert.equal(replica.status().state, "stale");
    await until("it says why", () => isMillpondError(replica.status().lastError, "not-connected"));
    connection.reconnect();
    await replica.ready();
    assert.deepEqual(replica.get("a"), bytes("2"));
    assert.equal(replica.status().resumed, true);
  });

  test("is stale, not live, while its source has lost the line", async () => {
    await using scene = await openScene();
    const { connection, source, path } = scene;
    const events: ReplicaEvent[] = [];
    await using replica = await openReplica({
      source,
      path,
      onEvent: (event) => void events.push(event),
    });
    await replica.ready();
    assert.equal(replica.status().state, "live");
    events.length = 0;
    connection.disconnect();
    assert.deepEqual([replica.status().state, replica.status().connected], ["stale", false]);
    assert.deepEqual(events, [{ type: "state", state: "stale", previous: "live" }]);
    connection.reconnect();
    // What was missed has not been fetched: nothing says that the copy is the bucket.
    assert.equal(replica.status().state, "syncing");
    await source.put("a", bytes("1"));
    await until("it is live", () => replica.status().state === "live");
    assert.deepEqual(
      events.filter(({ type }) => type === "state").map((event) => "state" in event && event.state),
      ["stale", "syncing", "live"],
    );
    assert.deepEqual(replica.get("a"), bytes("1"));
  });

  test("says as of when it is the bucket, and keeps saying so while it cannot follow", async () => {
    await using scene = await openScene();
    const { connection, source, path } = scene;
    let now = 1000;
    const clock = clockOf(() => now);
    await source.put("a", bytes("1"));
    connection.disconnect();
    await using replica = await openReplica({ source, path, clock, retry: { minMs: 1, maxMs: 1 } });
    assert.equal(replica.status().asOf, undefined);
    now = 2000;
    connection.reconnect();
    await replica.ready();
    assert.equal(replica.status().asOf, 2000);
    now = 3000;
    await source.put("a", bytes("2"));
    await until("it follows", () => replica.status().asOf === 3000);
    connection.disconnect();
    now = 4000;
    const { state, asOf } = replica.status();
    assert.deepEqual([state, asOf], ["stale", 3000]);
    connection.reconnect();
    await source.delete("a");
    await until("it follows again", () => replica.status().asOf === 4000);
    assert.equal(replica.size, 0);
  });

  test("is proven current after a lost line only once what may be missing has been looked for", async () => {
    await using scene = await openScene();
    const { connection, source, path } = scene;
    await source.put("a", bytes("1"));
    let now = 1000;
    const clock = clockOf(() => now);
    const counted = new Gate();
    await using replica = await openReplica({ source, path, clock });
    await replica.ready();
    await until("it is proven", () => replica.status().asOf === 1000);
    const countRecords = source.countRecords.bind(source);
    source.countRecords = async (scope) => {
      await counted.pass();
      return await countRecords(scope);
    };
    connection.disconnect();
    now = 2000;
    connection.reconnect();
    await source.put("b", bytes("2"));
    await until("it follows", () => replica.size === 2 && replica.status().state === "live");
    // As of what it holds last, at most.
    assert.ok((replica.status().asOf ?? 0) < 2000);
    counted.open();
    await until("it is proven again", () => replica.status().asOf === 2000);
  });

  test("tells of every state that its status shows, and of no other", async () => {
    await using scene = await openScene();
    const { connection, source, path } = scene;
    connection.disconnect();
    const told: string[] = [];
    const replica = await openReplica({
      source,
      path,
      retry: { minMs: 1, maxMs: 1 },
      onEvent: (event) => {
        if (event.type !== "state") return;
        assert.equal(event.previous, told.at(-1) ?? "loading");
        told.push(event.state);
      },
    });
    const shown = (): boolean => replica.status().state === told.at(-1);
    assert.ok(shown());
    connection.reconnect();
    assert.ok(shown());
    await replica.ready();
    connection.disconnect();
    assert.ok(shown());
    await replica.close();
    connection.reconnect();
    assert.ok(shown());
    assert.deepEqual([told[0], ...told.slice(-3)], ["stale", "live", "stale", "closed"]);
  });

  test("of an empty bucket is ready", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    await using replica = await openReplica({ source, path });
    await replica.ready();
    assert.equal(replica.size, 0);
  });

  test("refuses a second one on the same path", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    await using replica = await openReplica({ source, path });
    await assert.rejects(openReplica({ source, path }), (error) =>
      isMillpondError(error, "locked"),
    );
    await replica.ready();
  });

  test("gives up its path when it is closed, however often that is asked", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    const replica = await openReplica({ source, path });
    await Promise.all([replica.close(), replica.close()]);
    await replica.close();
    assert.equal(replica.status().state, "closed");
    assert.throws(
      () => replica.get("a"),
      (error) => isMillpondError(error, "closed"),
    );
    await using again = await openReplica({ source, path });
    await again.ready();
  });

  test("that is closed before it was ready says so to those who wait", async () => {
    await using scene = await openScene();
    const { connection, source, path } = scene;
    connection.disconnect();
    const replica = await openReplica({ source, path });
    const rejected = assert.rejects(replica.ready(), (error) => isMillpondError(error, "closed"));
    await replica.close();
    await rejected;
  });

  test("stops waiting to be ready when the waiter's signal is aborted", async () => {
    await using scene = await openScene();
    const { connection, source, path } = scene;
    connection.disconnect();
    await using replica = await openReplica({ source, path });
    const reason = new Error("no longer interested");
    const controller = new AbortController();
    const waiting = replica.ready({ signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(waiting, (error) => error === reason);
  });

  test("is closed by its signal, with what it received on disk", async () => {
    await using scene = await openScene();
    const { connection, source, path } = scene;
    const controller = new AbortController();
    const replica = await openReplica({ source, path, signal: controller.signal });
    await replica.ready();
    await source.put("a", bytes("1"));
    await until("it has arrived", () => replica.get("a") !== undefined);
    controller.abort();
    await until("it is closed", () => replica.status().state === "closed");
    await replica.close();
    connection.disconnect();
    await using again = await openReplica({ source, path });
    assert.deepEqual(again.get("a"), bytes("1"));
  });

  test("is refused where the path is a file, with a code", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    await writeFile(path, "not a directory");
    await assert.rejects(openReplica({ source, path }), (error) => isMillpondError(error, "io"));
  });

  test("is refused for a log that is none, which stays as it is", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    await mkdir(path);
    await writeFile(join(path, "copy.snap"), "something else altogether");
    await assert.rejects(openReplica({ source, path }), (error) =>
      isMillpondError(error, "invalid-format"),
    );
    assert.equal(await readFile(join(path, "copy.snap"), "utf8"), "something else altogether");
  });

  test("is refused for options out of bounds and prefixes that no key has, before anything is made", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    await assert.rejects(openReplica({ source, path, batch: { maxUpdates: 0 } }), (error) =>
      isMillpondError(error, "invalid-argument"),
    );
    await assert.rejects(openReplica({ source, path, scope: ["a.*"] }), (error) =>
      isMillpondError(error, "invalid-key"),
    );
    await assert.rejects(stat(path));
  });

  test("keeps its directory to its owner", async () => {
    await using scene = await openScene();
    const { source, path } = scene;
    await using replica = await openReplica({ source, path });
    await replica.ready();
    assert.equal((await stat(path)).mode & 0o777, 0o700);
    assert.equal((await stat(join(path, "copy.snap"))).mode & 0o777, 0o600);
    await replica.close();
    assert.equal((await stat(join(path, "seen.json"))).mode & 0o777, 0o600);
    assert.deepEqual((await readdir(path)).toSorted(), ["copy.snap", "seen.json"]);
  });
});
