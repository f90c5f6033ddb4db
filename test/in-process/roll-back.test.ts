import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { allKeys } from "../../src/kv/index.js";
import { openInProcess } from "../../src/testing/index.js";
import { bytes } from "../support/bucket.js";
import { shownBucket } from "../support/copies.js";

describe("an in-process bucket that is rolled back", () => {
  test("holds what it held, keeps its making, and gives the sequences a second time", async () => {
    await using connection = await openInProcess();
    const bucket = await connection.createBucket("b");
    await bucket.put("a", bytes("1"));
    await bucket.put("b", bytes("1"));
    const { created } = await bucket.info();
    const backup = await bucket.backUp();
    await bucket.put("a", bytes("2"));
    await bucket.delete("b");
    await bucket.rollBack(backup);
    assert.deepEqual(await shownBucket(bucket), ["a=1@1", "b=1@2"]);
    assert.equal((await bucket.info()).created, created);
    await bucket.put("c", bytes("3"));
    assert.deepEqual(await shownBucket(bucket), ["a=1@1", "b=1@2", "c=3@3"]);
    await bucket.rollBack(backup);
    assert.deepEqual(await shownBucket(bucket), ["a=1@1", "b=1@2"]);
  });

  test("ends its watches with cursor-expired, also those that sweep", async () => {
    await using connection = await openInProcess();
    const bucket = await connection.createBucket("b");
    const backup = await bucket.backUp();
    await bucket.put("a", bytes("1"));
    for (const sweeps of [false, true]) {
      await using watch = await bucket.watch(allKeys, { sweeps });
      await bucket.rollBack(backup);
      await assert.rejects(watch[Symbol.asyncIterator]().next(), (error) =>
        isMillpondError(error, "cursor-expired"),
      );
    }
  });

  test("takes no backup of another making", async () => {
    await using connection = await openInProcess();
    const backup = await (await connection.createBucket("b")).backUp();
    await connection.deleteBucket("b");
    const again = await connection.createBucket("b");
    await assert.rejects(again.rollBack(backup), (error) =>
      isMillpondError(error, "invalid-argument"),
    );
  });
});

test("a purge by prefix leaves no marker, and nothing of the keys that have it", async () => {
  await using connection = await openInProcess();
  const bucket = await connection.createBucket("b", { history: 3 });
  for (const key of ["a.1", "a.1", "b.1", "a.2"]) await bucket.put(key, bytes(key));
  await bucket.purgeKeys("a.");
  assert.deepEqual(await shownBucket(bucket), ["b.1=b.1@3"]);
  assert.equal((await bucket.info()).records, 1);
  assert.equal(await bucket.entry("a.1"), undefined);
});
