import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { openInProcess } from "../../src/in-process/index.js";
import { openReplica, type ReplicaEvent } from "../../src/replica/index.js";
import { bytes } from "../support/bucket.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

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

  test("of a bucket that does not exist stops, and says so", async () => {
    await using directory = await tempDirectory();
    await using connection = await openInProcess();
    const source = connection.bucket("nowhere");
    await using replica = await openReplica({ source, path: directory.file("copy") });
    await assert.rejects(replica.ready(), (error) => isMillpondError(error, "bucket-not-found"));
    assert.equal(replica.status().state, "failed");
  });
});
