import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { allKeys } from "../../src/kv/index.js";
import { ManualClock, openInProcess } from "../../src/testing/index.js";
import { WatchCursor } from "../../src/values/index.js";
import { bytes, nextBatch } from "../support/bucket.js";

describe("time in the in-process bucket", () => {
  test("max age drops records from the front and tells nobody", async () => {
    const clock = new ManualClock();
    await using connection = await openInProcess({ clock });
    const bucket = await connection.createBucket("b", { maxAgeMs: 1000 });
    await bucket.put("a", bytes("1"));
    await bucket.delete("gone");
    clock.advance(600);
    await bucket.put("b", bytes("2"));
    await using watch = await bucket.watch(allKeys);
    const iterator = watch[Symbol.asyncIterator]();
    assert.equal((await nextBatch(iterator)).updates.length, 3);
    clock.advance(400);
    const info = await bucket.info();
    assert.deepEqual([info.firstSequence, info.lastSequence, info.records], [3n, 3n, 1]);
    assert.equal(await bucket.entry("gone"), undefined);
    await bucket.put("c", bytes("3"));
    assert.deepEqual(
      (await nextBatch(iterator)).updates.map((update) => update.key),
      ["c"],
    );
  });

  test("a bucket that everything aged out of begins after its last sequence", async () => {
    const clock = new ManualClock();
    await using connection = await openInProcess({ clock });
    const bucket = await connection.createBucket("b", { maxAgeMs: 1000 });
    await bucket.put("a", bytes("1"));
    await bucket.put("a", bytes("2"));
    clock.advance(1000);
    const { firstSequence, lastSequence, records, bytes: size } = await bucket.info();
    assert.deepEqual([firstSequence, lastSequence, records, size], [3n, 2n, 0, 0]);
  });

  test("a value past its time to live leaves a marker, and the marker goes quietly", async () => {
    const clock = new ManualClock();
    await using connection = await openInProcess({ clock });
    const bucket = await connection.createBucket("b", { markerTtlMs: 5000 });
    await bucket.put("a", bytes("1"), { ttlMs: 2000 });
    await using watch = await bucket.watch(allKeys);
    const iterator = watch[Symbol.asyncIterator]();
    await nextBatch(iterator);
    clock.advance(2000);
    const { updates } = await nextBatch(iterator);
    assert.deepEqual(
      updates.map(({ kind, key, version }) => [kind, key, version.toU64()]),
      [["delete", "a", 2n]],
    );
    assert.equal((await bucket.entry("a"))?.kind, "delete");
    clock.advance(5000);
    assert.equal(await bucket.entry("a"), undefined);
    assert.equal((await bucket.info()).lastSequence, 2n);
  });

  test("a value that was written again in time does not expire", async () => {
    const clock = new ManualClock();
    await using connection = await openInProcess({ clock });
    const bucket = await connection.createBucket("b", { markerTtlMs: 5000 });
    await bucket.put("a", bytes("1"), { ttlMs: 2000 });
    await bucket.put("a", bytes("2"));
    clock.advance(60_000);
    assert.equal((await bucket.entry("a"))?.kind, "put");
  });

  test("a bucket that is deleted and made again in the same instant has another created time", async () => {
    await using connection = await openInProcess({ clock: new ManualClock() });
    const first = await (await connection.createBucket("b")).info();
    await connection.deleteBucket("b");
    const second = await (await connection.createBucket("b")).info();
    assert.notEqual(first.created, second.created);
  });

  test("closing the connection leaves no timer behind", async () => {
    const clock = new ManualClock();
    const connection = await openInProcess({ clock });
    const bucket = await connection.createBucket("b", { maxAgeMs: 60_000 });
    await bucket.put("a", bytes("1"));
    assert.equal(clock.waiting, 1);
    await connection.close();
    assert.equal(clock.waiting, 0);
  });
});

describe("an in-process bucket under load", () => {
  test("holds 100,000 keys and forgets them from the front", async () => {
    const clock = new ManualClock();
    await using connection = await openInProcess({ clock });
    const bucket = await connection.createBucket("b", { maxBytes: 2 ** 30, maxAgeMs: 1000 });
    for (let index = 0; index < 100_000; index += 1) await bucket.put(`k.${index}`, bytes("v"));
    clock.advance(500);
    await bucket.put("k.0", bytes("w"));
    assert.equal((await bucket.info()).records, 100_000);
    clock.advance(500);
    assert.equal((await bucket.info()).records, 1);
    assert.equal((await bucket.info()).firstSequence, 100_001n);
  });

  test("overwriting few keys often does not grow the memory it searches", async () => {
    await using connection = await openInProcess();
    const bucket = await connection.createBucket("b", { history: 3 });
    for (let index = 0; index < 50_000; index += 1) await bucket.put(`k.${index % 7}`, bytes("v"));
    const info = await bucket.info();
    assert.equal(info.records, 21);
    assert.equal(info.firstSequence, info.lastSequence - 20n);
  });
});

describe("a lost line", () => {
  test("makes requests fail and watches wait, and both go on when it is back", async () => {
    await using connection = await openInProcess();
    await using other = connection.connect();
    const bucket = await connection.createBucket("b");
    await using watch = await bucket.watch(allKeys);
    const iterator = watch[Symbol.asyncIterator]();
    await nextBatch(iterator);
    connection.disconnect();
    assert.equal(bucket.connected, false);
    await assert.rejects(bucket.put("a", bytes("1")), (error) =>
      isMillpondError(error, "not-connected"),
    );
    await other.bucket("b").put("a", bytes("2"));
    const pending = nextBatch(iterator);
    assert.equal(await Promise.race([pending, Promise.resolve("silent")]), "silent");
    connection.reconnect();
    assert.equal((await pending).updates[0]?.key, "a");
  });

  test("ends a watch with cursor-expired where too much was forgotten meanwhile", async () => {
    await using connection = await openInProcess();
    await using other = connection.connect();
    const bucket = await connection.createBucket("b");
    await using watch = await bucket.watch(allKeys, { from: WatchCursor.fromU64(0) });
    const iterator = watch[Symbol.asyncIterator]();
    await nextBatch(iterator);
    connection.disconnect();
    await other.bucket("b").put("a", bytes("1"));
    await other.bucket("b").evictBefore(2n);
    connection.reconnect();
    await assert.rejects(nextBatch(iterator), (error) => isMillpondError(error, "cursor-expired"));
  });
});
