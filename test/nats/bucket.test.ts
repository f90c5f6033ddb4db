import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Kvm } from "@nats-io/kv";
import { connect as connectClient, headers } from "@nats-io/transport-node";
import { isMillpondError, type ErrorCode } from "../../src/errors/index.js";
import { allKeys } from "../../src/kv/index.js";
import { connect } from "../../src/nats/index.js";
import { Flow } from "../../src/testing/bucket/flow.js";
import { collect, sortedKeys } from "../../src/testing/bucket/support.js";
import { bytes } from "../support/bucket.js";
import { callApi, consumersOf } from "../support/nats-harness.js";
import { serverVersions, startNatsServer } from "../support/nats-server.js";
import { until } from "../support/until.js";

async function refuses(code: ErrorCode, work: Promise<unknown>, hint = /./): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(isMillpondError(error, code), `expected ${code}, got ${String(error)}`);
    assert.match(error.hint ?? "", hint);
    return true;
  });
}

for (const version of serverVersions) {
  describe(`a bucket on ${version}`, () => {
    test("and the client's own KV read each other's writes", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      await using client = await connectClient({ port: server.port });
      const ours = await connection.createBucket("b", { history: 3 });
      const theirs = await new Kvm(client).open("b");
      await ours.put("a", bytes("1"));
      await theirs.put("b", "2");
      await theirs.put("c", "3");
      await ours.put("d", bytes("4"));
      await ours.purge("d");
      await theirs.delete("c");
      assert.equal((await theirs.get("a"))?.string(), "1");
      assert.equal((await theirs.get("d"))?.operation, "PURGE");
      assert.deepEqual((await ours.get("b"))?.value, bytes("2"));
      assert.equal((await ours.entry("c"))?.kind, "delete");
      assert.deepEqual(await sortedKeys(ours), ["a", "b"]);
      assert.deepEqual((await collect(await theirs.keys())).toSorted(), ["a", "b"]);
      const status = await theirs.status();
      assert.deepEqual([status.history, status.bucket], [3, "b"]);
      await theirs.create("d", "5");
      await ours.create("c", bytes("6"));
      assert.equal((await theirs.get("c"))?.string(), "6");
    });

    test("that the client's own KV made is opened as it is", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      await using client = await connectClient({ port: server.port });
      const theirs = await new Kvm(client).create("b", { history: 7 });
      await theirs.put("a", "1");
      const ours = await connection.createBucket("b", { history: 2 });
      assert.deepEqual((await ours.get("a"))?.value, bytes("1"));
      assert.equal((await theirs.status()).history, 7);
    });

    test("is made with the configuration that was asked for", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      await using client = await connectClient({ port: server.port });
      await connection.createBucket("plain");
      await connection.createBucket("other", {
        storage: "memory",
        history: 64,
        maxAgeMs: 60_000,
        maxBytes: 4096,
        discard: "old",
      });
      const configOf = async (name: string): Promise<Record<string, unknown>> =>
        (await callApi<{ config: Record<string, unknown> }>(client, `STREAM.INFO.KV_${name}`))
          .config;
      const plain = await configOf("plain");
      assert.deepEqual(
        [plain.storage, plain.max_msgs_per_subject, plain.max_age, plain.max_bytes, plain.discard],
        ["file", 1, 0, 10 * 1024 * 1024, "new"],
      );
      const other = await configOf("other");
      assert.deepEqual(
        [other.storage, other.max_msgs_per_subject, other.max_age, other.max_bytes, other.discard],
        ["memory", 64, 60_000_000_000, 4096, "old"],
      );
    });

    test("that cannot be made so is refused", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      for (const config of [{ history: 65 }, { history: 0 }, { replicas: 6 }, { maxBytes: 0.5 }]) {
        await refuses("invalid-argument", connection.createBucket("b", config), /(?:)/);
      }
      for (const name of ["", "a.b", "a b", "ä", "*"]) {
        assert.throws(
          () => connection.bucket(name),
          (error) => isMillpondError(error, "invalid-argument"),
        );
      }
      await refuses("operation-failed", connection.createBucket("b", { replicas: 3 }), /(?:)/);
    });

    test("that is not there is missed by every operation", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      const bucket = connection.bucket("none");
      for (const attempt of [
        () => bucket.get("a"),
        () => bucket.put("a", bytes("1")),
        () => bucket.create("a", bytes("1")),
        () => bucket.delete("a"),
        () => bucket.info(),
        () => bucket.keys().next(),
        () => bucket.scan().next(),
        () => bucket.watch(allKeys),
      ]) {
        await refuses("bucket-not-found", attempt());
      }
    });

    test("refuses times to live that it cannot keep, and takes those that it can", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      const plain = await connection.createBucket("plain");
      await refuses("operation-failed", plain.put("a", bytes("1"), { ttlMs: 1000 }));
      assert.equal(await plain.entry("a"), undefined);
      if (version === "2.10.27") {
        await refuses("operation-failed", connection.createBucket("b", { markerTtlMs: 1000 }));
        await refuses("bucket-not-found", connection.bucket("b").info());
        return;
      }
      const bucket = await connection.createBucket("b", { markerTtlMs: 60_000 });
      for (const ttlMs of [0, 999, 1500, -1000]) {
        await refuses("invalid-argument", bucket.put("a", bytes("1"), { ttlMs }), /(?:)/);
      }
      await using flow = await Flow.open(bucket, allKeys);
      await bucket.put("a", bytes("1"), { ttlMs: 1000 });
      await bucket.create("b", bytes("1"), { ttlMs: 60_000 });
      await flow.until("the marker", () => flow.story.includes("-a"));
      assert.deepEqual(await sortedKeys(bucket), ["b"]);
      assert.equal((await bucket.entry("a"))?.kind, "delete");
      await bucket.create("a", bytes("2"));
    });

    test("reads every kind of marker as a removal", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      await using client = await connectClient({ port: server.port });
      const bucket = await connection.createBucket("b");
      for (const reason of ["MaxAge", "Remove", "Purge"]) {
        const marker = headers();
        marker.set("Nats-Marker-Reason", reason);
        await client.request(`$KV.b.${reason}`, "", { headers: marker, timeout: 5000 });
      }
      await bucket.put("alive", new Uint8Array(0));
      await using flow = await Flow.open(bucket, allKeys);
      assert.deepEqual((await flow.untilCaughtUp()).story, [
        "-MaxAge",
        "-Remove",
        "-Purge",
        "alive=",
      ]);
      assert.deepEqual(await sortedKeys(bucket), ["alive"]);
      assert.equal((await collect(bucket.scan())).length, 1);
      assert.equal((await bucket.entry("MaxAge"))?.kind, "delete");
      assert.equal((await bucket.entry("Purge"))?.kind, "purge");
    });

    test("reads an empty value as deleted only where that is asked for", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      await using sharing = await connect({ servers: server.url, emptyValueIsDelete: true });
      const plain = await connection.createBucket("b");
      await plain.put("a", new Uint8Array(0));
      await plain.put("b", bytes("1"));
      assert.deepEqual((await plain.get("a"))?.value, new Uint8Array(0));
      for (const bucket of [
        sharing.bucket("b"),
        connection.bucket("b", { emptyValueIsDelete: true }),
      ]) {
        assert.equal(await bucket.get("a"), undefined);
        assert.equal((await bucket.entry("a"))?.kind, "delete");
        assert.deepEqual(await sortedKeys(bucket), ["b"]);
        assert.equal((await collect(bucket.scan())).length, 1);
        await using flow = await Flow.open(bucket, allKeys);
        assert.deepEqual((await flow.untilCaughtUp()).story, ["-a", "b=1"]);
      }
      await sharing.bucket("b").create("a", bytes("2"));
    });

    test("is listed without leaving a consumer behind, also when the listing is broken off", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      await using client = await connectClient({ port: server.port });
      const bucket = await connection.createBucket("b");
      for (let index = 0; index < 20; index += 1) await bucket.put(`k${index}`, bytes("1"));
      assert.equal((await sortedKeys(bucket)).length, 20);
      for await (const key of bucket.keys()) {
        assert.ok(key.startsWith("k"));
        break;
      }
      assert.deepEqual(await consumersOf(client, "b"), []);
    });

    test("fails a listing that is cut short, and never ends it early", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      const client = await connectClient({ port: server.port });
      const bucket = await connection.createBucket("b", { maxBytes: 100 * 1024 * 1024 });
      await Promise.all(
        Array.from({ length: 1500 }, (_, index) => bucket.put(`k${index}`, bytes("1"))),
      );
      const listing = bucket.keys();
      await listing.next();
      const [consumer] = await consumersOf(client, "b");
      await callApi(client, `CONSUMER.DELETE.KV_b.${consumer}`);
      await refuses("operation-failed", collect({ [Symbol.asyncIterator]: () => listing }));
      await client.close();
      const again = bucket.keys();
      await again.next();
      await server.kill();
      await until("the loss is seen", () => !bucket.connected);
      await refuses("not-connected", collect({ [Symbol.asyncIterator]: () => again }));
    });
  });
}
