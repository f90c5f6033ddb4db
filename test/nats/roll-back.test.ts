import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { allKeys, type KvStore, scopeOf } from "../../src/kv/index.js";
import { connect } from "../../src/nats/index.js";
import { Flow, within } from "../../src/testing/bucket/flow.js";
import { WatchCursor } from "../../src/values/index.js";
import { bytes } from "../support/bucket.js";
import { serverVersions, startNatsServer } from "../support/nats-server.js";
import { backUp, rollBack } from "../support/roll-back.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

async function putMany(bucket: KvStore, keys: readonly string[]): Promise<void> {
  for (const key of keys) await bucket.put(key, bytes(key));
}

/** Short outages are what a watch mends by itself: it must find out that the stream is not what it was. */
for (const version of serverVersions) {
  describe(`a bucket that was put back from a copy, on ${version}`, () => {
    test("ends a live watch, whether it has fewer records by then or more", async () => {
      for (const [written, sweeps] of [
        [0, true],
        [5, true],
        [5, false],
      ] as const) {
        await using directory = await tempDirectory();
        const [storeDir, copy] = [directory.file("store"), directory.file("copy")];
        await using server = await startNatsServer({ version, storeDir });
        await using writer = await connect({ servers: server.url });
        const bucket = await writer.createBucket("b");
        await putMany(bucket, ["a", "b"]);
        await backUp(server, storeDir, copy);
        await using watcher = await connect({ servers: server.url });
        await using flow = await Flow.open(watcher.bucket("b"), allKeys, { sweeps });
        await flow.untilCaughtUp();
        await until("it is up", () => writer.connected);
        await putMany(bucket, ["c", "d"]);
        await flow.untilUpdates(4);
        const { cursor } = flow;
        const found = await watcher.bucket("b").recordAt(cursor);
        await rollBack(server, storeDir, copy);
        // Not by a connection that waits for its time to come back: the watch's own may be first.
        await using early = await connect({ servers: server.url });
        await putMany(early.bucket("b"), ["n0", "n1", "n2", "n3", "n4"].slice(0, written));
        const error = await within("the end", flow.end());
        assert.ok(isMillpondError(error, "cursor-expired"), `${written}: ${String(error)}`);
        assert.deepEqual([...flow.copy.keys()], ["a", "b", "c", "d"]);

        // What a later process can tell by: the position's record is gone, or has another time.
        const now = await early.bucket("b").recordAt(WatchCursor.fromBytes(cursor.toBytes()));
        assert.notEqual(now?.timeNs, found?.timeNs);
      }
    });

    test("is not taken for the same by a watch of a prefix, though what that got last is still there", async () => {
      await using directory = await tempDirectory();
      const [storeDir, copy] = [directory.file("store"), directory.file("copy")];
      await using server = await startNatsServer({ version, storeDir });
      await using writer = await connect({ servers: server.url });
      const bucket = await writer.createBucket("b");
      await putMany(bucket, ["k.a", "other.1"]);
      await backUp(server, storeDir, copy);
      await using watcher = await connect({ servers: server.url });
      await using flow = await Flow.open(watcher.bucket("b"), scopeOf(["k."]), { sweeps: true });
      await flow.untilCaughtUp();
      await until("it is up", () => writer.connected);
      await putMany(bucket, ["other.2", "other.3", "other.4", "other.5"]);
      await flow.until("the bookmark", () => flow.cursor.toU64() === 6n);
      await rollBack(server, storeDir, copy);
      await using early = await connect({ servers: server.url });
      await putMany(early.bucket("b"), ["k.b", "other.6", "other.7", "other.8", "other.9"]);
      const error: unknown = await flow
        .until("a doubt", () => flow.batches.some(({ doubts = 0 }) => doubts > 0))
        .then(() => undefined)
        .catch((thrown: unknown) => thrown);
      assert.ok(error === undefined || isMillpondError(error, "cursor-expired"), String(error));
      assert.deepEqual([...flow.copy.keys()], ["k.a"]);
    });
  });
}
