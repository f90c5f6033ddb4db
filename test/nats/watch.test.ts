import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect as connectClient } from "@nats-io/transport-node";
import { isMillpondError } from "../../src/errors/index.js";
import { allKeys, scopeOf, type KvStore } from "../../src/kv/index.js";
import { connect } from "../../src/nats/index.js";
import { Flow, within } from "../../src/testing/bucket/flow.js";
import { putMany } from "../../src/testing/bucket/support.js";
import { bytes } from "../support/bucket.js";
import { callApi, consumersOf } from "../support/nats-harness.js";
import { serverVersions, startNatsServer } from "../support/nats-server.js";
import { until } from "../support/until.js";

const MIB = 1024 * 1024;

async function endsWith(code: string, flow: Flow): Promise<void> {
  const error = await flow.end();
  assert.ok(
    isMillpondError(error) && error.code === code,
    `expected ${code}, got ${String(error)}`,
  );
}

/** Writes until a write succeeds: the server has just come back. */
async function putWhenUp(bucket: KvStore, key: string): Promise<void> {
  await until(`${key} is written`, async () => {
    try {
      await bucket.put(key, bytes("1"));
      return true;
    } catch {
      return false;
    }
  });
}

for (const version of serverVersions) {
  describe(`a watch on ${version}`, () => {
    test("goes on without loss or repetition when its consumer is deleted", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      await using client = await connectClient({ port: server.port });
      const bucket = await connection.createBucket("b");
      await bucket.put("a", bytes("1"));
      await using flow = await Flow.open(bucket, allKeys);
      await flow.untilCaughtUp();
      for (const key of ["b", "c"]) {
        for (const name of await consumersOf(client, "b")) {
          await callApi(client, `CONSUMER.DELETE.KV_b.${name}`);
        }
        await bucket.put(key, bytes("1"));
        await flow.until(key, () => flow.story.includes(`${key}=1`));
      }
      assert.deepEqual(flow.story, ["a=1", "b=1", "c=1"]);
    });

    test("goes on when the server restarts, gently or killed", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      const bucket = await connection.createBucket("b");
      await using flow = await Flow.open(bucket, scopeOf(["k."]));
      await flow.untilCaughtUp();
      for (const [key, signal] of [
        ["k.1", "SIGTERM"],
        ["k.2", "SIGKILL"],
      ] as const) {
        await server.kill(signal);
        flow.ask();
        await server.restart();
        await putWhenUp(bucket, key);
        await flow.until(key, () => flow.story.includes(`${key}=1`));
      }
      assert.deepEqual([...flow.copy.keys()], ["k.1", "k.2"]);
    });

    test("goes on with a state-sync that was interrupted", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      await using client = await connectClient({ port: server.port });
      const bucket = await connection.createBucket("b");
      await putMany(bucket, "k.", 2500);
      await using flow = await Flow.open(bucket, allKeys);
      await flow.untilUpdates(500);
      assert.ok(!flow.caughtUp);
      for (const name of await consumersOf(client, "b")) {
        await callApi(client, `CONSUMER.DELETE.KV_b.${name}`);
      }
      await flow.untilCaughtUp();
      assert.deepEqual([flow.updates.length, flow.copy.size], [2500, 2500]);
    });

    test("ends with bucket-not-found when the bucket is deleted", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      await using client = await connectClient({ port: server.port });
      const bucket = await connection.createBucket("b");
      await using flow = await Flow.open(bucket, allKeys);
      await flow.untilCaughtUp();
      flow.ask();
      await callApi(client, "STREAM.DELETE.KV_b");
      await endsWith("bucket-not-found", flow);
    });

    test("ends with cursor-expired when the bucket is made again, even with more records", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      await using client = await connectClient({ port: server.port });
      const bucket = await connection.createBucket("b");
      await bucket.put("a", bytes("1"));
      await using flow = await Flow.open(bucket, allKeys);
      await flow.untilCaughtUp();
      await callApi(client, "STREAM.DELETE.KV_b");
      await connection.createBucket("b");
      await putMany(bucket, "k.", 10);
      await endsWith("cursor-expired", flow);
      assert.deepEqual(flow.story, ["a=1"]);
    });

    test("ends with cursor-expired when keys were purged from the stream before it had read them", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      await using client = await connectClient({ port: server.port });
      const bucket = await connection.createBucket("b");
      await bucket.put("a", bytes("1"));
      await using flow = await Flow.open(bucket, allKeys);
      await flow.untilCaughtUp();
      // The first 1000 wait in the watch, the rest in the server.
      await putMany(bucket, "k.", 3000);
      await callApi(client, "STREAM.PURGE.KV_b", { seq: 2900 });
      await endsWith("cursor-expired", flow);
      assert.ok(flow.copy.size < 2900);
    });

    test("of a scope without keys goes on in a bucket of few busy ones", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      const bucket = await connection.createBucket("b");
      await putMany(bucket, "k.", 3);
      await using idle = await Flow.open(bucket, scopeOf(["idle."]));
      await idle.untilCaughtUp();
      assert.deepEqual([idle.batches.length, idle.cursor.toU64()], [1, 3n]);
      for (let write = 0; write < 10; write += 1) await putMany(bucket, "k.", 3);
      await idle.until("the bookmark", () => idle.cursor.toU64() === 33n);
    });

    test("holds no more than one pull and a half while nobody reads", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      await using client = await connectClient({ port: server.port });
      const bucket = await connection.createBucket("b");
      await putMany(bucket, "k.", 9000);
      await using flow = await Flow.open(bucket, allKeys);
      await flow.untilUpdates(1);
      const read = flow.updates.length;
      const [name] = await consumersOf(client, "b");
      const sent = async (): Promise<number> => {
        const info = await callApi<{ delivered: { consumer_seq: number }; num_waiting: number }>(
          client,
          `CONSUMER.INFO.KV_b.${name}`,
        );
        return info.num_waiting === 0 ? info.delivered.consumer_seq : 0;
      };
      const delivered = await until("the pull is used up", async () => (await sent()) || undefined);
      assert.ok(delivered <= read + 3900, `${delivered} sent, ${read} read`);
      await flow.untilCaughtUp();
      assert.equal(flow.updates.length, 9000);
    });

    test("delivers values that are larger together than one pull", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      const bucket = await connection.createBucket("b", { maxBytes: 100 * MIB });
      const value = new Uint8Array(connection.capabilities.maxValueBytes).fill(7);
      for (let index = 0; index < 20; index += 1) await bucket.put(`k${index}`, value);
      await using flow = await Flow.open(bucket, allKeys);
      await flow.untilCaughtUp();
      assert.equal(flow.updates.length, 20);
      for (const update of flow.updates) {
        assert.equal(update.kind === "put" ? update.value.length : 0, value.length);
      }
    });

    test("leaves no consumer behind, however it ends", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      await using client = await connectClient({ port: server.port });
      const bucket = await connection.createBucket("b");
      await bucket.put("a", bytes("1"));
      const count = async (): Promise<number> => (await consumersOf(client, "b")).length;

      await using closed = await Flow.open(bucket, allKeys);
      await closed.untilCaughtUp();
      closed.ask();
      assert.equal(await count(), 1);
      await closed.watch.close();
      assert.equal(await count(), 0);
      assert.equal(await closed.end(), undefined);

      await using unread = await bucket.watch(allKeys);
      await unread.close();
      assert.equal(await count(), 0);

      for await (const batch of await bucket.watch(allKeys)) {
        assert.equal(batch.updates.length, 1);
        break;
      }
      assert.equal(await count(), 0);

      const controller = new AbortController();
      const reason = new Error("enough");
      await using aborted = await Flow.open(bucket, allKeys, { signal: controller.signal });
      await aborted.untilCaughtUp();
      aborted.ask();
      controller.abort(reason);
      assert.equal(await aborted.end(), reason);
      await until("the consumer is gone", async () => (await count()) === 0);
    });

    test("that is aborted throws the signal's reason, before and while it is set up", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      await using client = await connectClient({ port: server.port });
      const bucket = await connection.createBucket("b");
      const reason = new Error("enough");
      const signal = AbortSignal.abort(reason);
      await assert.rejects(bucket.watch(allKeys, { signal }), (error) => error === reason);
      const controller = new AbortController();
      const opening = bucket.watch(allKeys, { signal: controller.signal });
      controller.abort(reason);
      await assert.rejects(opening, (error) => error === reason);
      await until("no consumer is left", async () => (await consumersOf(client, "b")).length === 0);
    });

    test("ends with not-connected when the connection is closed", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      const bucket = await connection.createBucket("b");
      await using flow = await Flow.open(bucket, allKeys);
      await flow.untilCaughtUp();
      flow.ask();
      await connection.close();
      await within("the end", endsWith("not-connected", flow));
    });

    test("of many prefixes is one consumer", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      await using client = await connectClient({ port: server.port });
      const bucket = await connection.createBucket("b");
      const prefixes = Array.from({ length: 100 }, (_, index) => `p${index}.`);
      for (const prefix of prefixes) await bucket.put(`${prefix}a`, bytes("1"));
      await bucket.put("other", bytes("1"));
      await using flow = await Flow.open(bucket, scopeOf(prefixes));
      await flow.untilCaughtUp();
      assert.equal(flow.copy.size, 100);
      assert.equal((await consumersOf(client, "b")).length, 1);
    });
  });
}
