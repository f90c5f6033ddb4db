import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { allKeys } from "../../src/kv/index.js";
import { openInProcess } from "../../src/testing/index.js";
import { WatchCursor } from "../../src/values/index.js";
import { bytes } from "../support/bucket.js";

describe("a value of an in-process bucket", () => {
  test("is its own, whatever becomes of the buffer that it was given or gave", async () => {
    await using connection = await openInProcess();
    const bucket = await connection.createBucket("b");
    const given = Buffer.from("1");
    await bucket.put("a", given);
    await bucket.putRaw("b", given);
    given.fill(0);
    for (const key of ["a", "b"]) {
      const read = await bucket.get(key);
      assert.deepEqual(read?.value, bytes("1"));
      read?.value.fill(0);
      assert.deepEqual((await bucket.get(key))?.value, bytes("1"));
    }
  });
});

describe("the controls of an in-process bucket", () => {
  test("purging deletes takes markers from the interior, where no watch can tell", async () => {
    await using connection = await openInProcess();
    const bucket = await connection.createBucket("b");
    await bucket.put("first", bytes("1"));
    await bucket.put("gone", bytes("1"));
    await bucket.delete("gone");
    await bucket.put("last", bytes("1"));
    await bucket.purgeDeletes();
    assert.equal(await bucket.entry("gone"), undefined);
    assert.equal((await bucket.info()).firstSequence, 1n);
    await using watch = await bucket.watch(allKeys, { from: WatchCursor.fromU64(2) });
    for await (const batch of watch) {
      assert.deepEqual(
        batch.updates.map(({ key }) => key),
        ["last"],
      );
      break;
    }
  });

  test("deleting a record of no such sequence says so", async () => {
    await using connection = await openInProcess();
    const bucket = await connection.createBucket("b");
    await assert.rejects(bucket.deleteMessage(1n), (error) =>
      isMillpondError(error, "key-not-found"),
    );
  });

  test("there are no more buckets than the limit, and a deleted one makes room", async () => {
    await using connection = await openInProcess({ maxBuckets: 2 });
    await connection.createBucket("a");
    await connection.createBucket("b");
    await connection.createBucket("a");
    await assert.rejects(connection.createBucket("c"), (error) =>
      isMillpondError(error, "operation-failed"),
    );
    await connection.deleteBucket("a");
    await connection.createBucket("c");
  });

  test("buckets live until the last connection to them is closed", async () => {
    const first = await openInProcess();
    await (await first.createBucket("b")).put("a", bytes("1"));
    const second = first.connect();
    await first.close();
    assert.equal((await second.bucket("b").info()).lastSequence, 1n);
    await second.close();
    await assert.rejects(second.bucket("b").info(), (error) =>
      isMillpondError(error, "not-connected"),
    );
  });
});
