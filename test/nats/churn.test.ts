import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect as connectClient } from "@nats-io/transport-node";
import { allKeys, type KvStore } from "../../src/kv/index.js";
import { connect } from "../../src/nats/index.js";
import { Flow } from "../../src/testing/bucket/flow.js";
import { contents } from "../../src/testing/bucket/support.js";
import { bytes } from "../support/bucket.js";
import { callApi, consumersOf } from "../support/nats-harness.js";
import { serverVersions, startNatsServer } from "../support/nats-server.js";

const WRITES = 4000;
const KEYS = 300;
/** How often, of so many writes, the watch's consumer is deleted, or the server killed. */
const CONSUMER_LOST_EVERY = 400;
const SERVER_LOST_EVERY = 1900;

function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function writeOne(bucket: KvStore, random: () => number, index: number): Promise<void> {
  const key = `k.${Math.floor(random() * KEYS)}`;
  const chance = random();
  if (chance < 0.7) await bucket.put(key, bytes(String(index)));
  else if (chance < 0.9) await bucket.delete(key);
  else await bucket.purge(key);
}

describe("a watch under churn", () => {
  const seed = Number(process.env.MILLPOND_SEED ?? Math.floor(Math.random() * 2 ** 31));
  for (const version of serverVersions) {
    test(`ends as the bucket is, on ${version} (MILLPOND_SEED=${seed})`, async () => {
      const random = randomOf(seed);
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      const bucket = await connection.createBucket("b", { history: 2, maxBytes: 64 * 1024 * 1024 });
      // Never written again, so that the stream's beginning stays where it is.
      await bucket.put("first", bytes("1"));
      await using flow = await Flow.open(bucket, allKeys);
      const reading = flow.until("the end", () => flow.copy.has("last"));
      for (let index = 1; index <= WRITES; index += 1) {
        // While the connection is down a write fails at once, and is of no account.
        await writeOne(bucket, random, index).catch(() => new Promise(setImmediate));
        if (index % CONSUMER_LOST_EVERY === 0) await loseConsumers(server.port);
        if (index % SERVER_LOST_EVERY === 0) {
          await server.kill();
          await server.restart();
        }
      }
      while (!bucket.connected) await new Promise(setImmediate);
      await bucket.put("last", bytes("1"));
      await reading;
      assert.deepEqual(flow.copy, await contents(bucket));
    });
  }
});

async function loseConsumers(port: number): Promise<void> {
  const client = await connectClient({ port });
  for (const name of await consumersOf(client, "b")) {
    await callApi(client, `CONSUMER.DELETE.KV_b.${name}`).catch(() => {});
  }
  await client.close();
}
