import assert from "node:assert/strict";
import { isMillpondError } from "../../errors/index.js";
import { allKeys, type KvStore } from "../../kv/index.js";
import { VersionToken } from "../../values/index.js";
import { Flow, within } from "./flow.js";
import type { Scenarios } from "./harness.js";
import { bytes, collect, refuses } from "./support.js";

export const ending: Scenarios = {
  "closing a watch ends its iteration without an error, also one that waits": async ({ make }) => {
    const bucket = await make();
    const flow = await Flow.open(bucket, allKeys);
    await flow.untilCaughtUp();
    flow.ask();
    await flow.watch.close();
    await flow.watch.close();
    assert.equal(await flow.end(), undefined);
    await bucket.put("a", bytes("1"));
    assert.equal(await flow.end(), undefined);
    assert.deepEqual(flow.updates, []);
  },

  "a watch that was closed before it was read ends without an error": async ({ make }) => {
    const bucket = await make();
    await bucket.put("a", bytes("1"));
    const flow = await Flow.open(bucket, allKeys);
    await flow.watch.close();
    assert.equal(await flow.end(), undefined);
  },

  "leaving the loop ends the watch": async ({ make }) => {
    const bucket = await make();
    const watch = await bucket.watch(allKeys);
    for await (const batch of watch) if (batch.caughtUp) break;
    await bucket.put("a", bytes("1"));
    assert.deepEqual(await within("the end", collect(watch)), []);
  },

  "an abort throws the signal's reason out of a watch that waits": async ({ make }) => {
    const bucket = await make();
    const controller = new AbortController();
    await using flow = await Flow.open(bucket, allKeys, { signal: controller.signal });
    await flow.untilCaughtUp();
    flow.ask();
    const reason = new Error("enough");
    controller.abort(reason);
    assert.equal(await flow.end(), reason);
  },

  "an abort throws the signal's reason out of a watch that is read later": async ({ make }) => {
    const bucket = await make();
    await bucket.put("a", bytes("1"));
    const controller = new AbortController();
    await using flow = await Flow.open(bucket, allKeys, { signal: controller.signal });
    const reason = new Error("enough");
    controller.abort(reason);
    assert.equal(await flow.end(), reason);
  },

  "a signal that is aborted already refuses the watch": async ({ make }) => {
    const bucket = await make();
    const reason = new Error("enough");
    await assert.rejects(
      bucket.watch(allKeys, { signal: AbortSignal.abort(reason) }),
      (error) => error === reason,
    );
  },

  "deleting the bucket ends its watches with bucket-not-found": async ({ make, operator }) => {
    const bucket = await make();
    await bucket.put("a", bytes("1"));
    await using all = await Flow.open(bucket, allKeys);
    await using some = await Flow.open(bucket, { kind: "prefix", prefix: "in." });
    await all.untilCaughtUp();
    await some.untilCaughtUp();
    await operator.deleteBucket(bucket.name);
    for (const flow of [all, some]) {
      const error = await flow.end();
      assert.ok(isMillpondError(error, "bucket-not-found"), String(error));
    }
  },

  "every call on a bucket that is not there says so": async ({ connection, newName }) => {
    const bucket = connection.bucket(newName());
    for (const attempt of allCalls(bucket)) await refuses("bucket-not-found", attempt);
  },

  "a bucket that was got before it was made works once it is": async ({ connection, newName }) => {
    const name = newName();
    const early = connection.bucket(name);
    const made = await connection.createBucket(name);
    await made.put("a", bytes("1"));
    assert.equal((await early.info()).lastSequence, 1n);
  },

  "making a bucket that is there opens it as it is": async ({ connection, make }) => {
    const bucket = await make({ history: 5 });
    for (const value of ["1", "2"]) await bucket.put("a", bytes(value));
    const again = await connection.createBucket(bucket.name, { history: 1, maxBytes: 1024 });
    const { serverTimeMs: _now, ...expected } = await bucket.info();
    const { serverTimeMs: _later, ...found } = await again.info();
    assert.deepEqual(found, expected);
    assert.equal((await again.info()).records, 2);
  },

  "a bucket's name or configuration that no server takes is an invalid argument": async ({
    connection,
    newName,
  }) => {
    for (const name of ["", "a b", "a.b", "a*", "ü", "a/b"]) {
      await refuses("invalid-argument", () => connection.createBucket(name));
    }
    const name = newName();
    for (const config of [{ history: 0 }, { history: 65 }, { maxBytes: 0 }, { replicas: 6 }]) {
      await refuses("invalid-argument", () => connection.createBucket(name, config));
    }
    await refuses("bucket-not-found", () => connection.bucket(name).info());
  },

  "a connection that is closed refuses every call and ends its watches": async ({
    connect,
    make,
  }) => {
    const { name } = await make();
    const connection = await connect();
    const bucket = connection.bucket(name);
    await using flow = await Flow.open(bucket, allKeys);
    await flow.untilCaughtUp();
    assert.deepEqual([connection.connected, bucket.connected], [true, true]);
    const seen: boolean[] = [];
    bucket.onConnectedChange(() => seen.push(bucket.connected));
    bucket.onConnectedChange(() => assert.fail("is no longer wanted"))();
    await connection.close();
    await connection.close();
    assert.deepEqual([connection.connected, bucket.connected], [false, false]);
    assert.deepEqual(seen, [false]);
    for (const attempt of allCalls(bucket)) await refuses("not-connected", attempt);
    await refuses("not-connected", () => connection.createBucket(name));
    const error = await flow.end();
    assert.ok(isMillpondError(error, "not-connected"), String(error));
  },

  "one connection sees what another writes": async ({ connect, make }) => {
    const bucket = await make();
    const other = (await connect()).bucket(bucket.name);
    await using flow = await Flow.open(bucket, allKeys);
    await flow.untilCaughtUp();
    await other.put("a", bytes("1"));
    assert.deepEqual((await flow.untilUpdates(1)).story, ["a=1"]);
  },
};

function allCalls(bucket: KvStore): (() => Promise<unknown>)[] {
  const value = bytes("v");
  const version = VersionToken.fromU64(1);
  return [
    () => bucket.get("a"),
    () => bucket.entry("a"),
    () => collect(bucket.keys()),
    () => collect(bucket.scan()),
    () => bucket.put("a", value),
    () => bucket.create("a", value),
    () => bucket.update("a", value, version),
    () => bucket.delete("a"),
    () => bucket.deleteWithVersion("a", version),
    () => bucket.purge("a"),
    () => bucket.info(),
    () => bucket.watch(allKeys),
  ];
}
