import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { headers, type NatsConnection as Client } from "@nats-io/nats-core";
import { connect as connectClient } from "@nats-io/transport-node";
import type { BucketConfig, KvStore } from "../../src/kv/index.js";
import { connect, type NatsConnection } from "../../src/nats/index.js";
import { openReplica, type Replica, type ReplicaOptions } from "../../src/replica/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { bytes } from "../support/bucket.js";
import { Gate } from "../support/gate.js";
import { callApi, operatorOf } from "../support/nats-harness.js";
import {
  serverVersions,
  startNatsServer,
  type NatsServer,
  type ServerVersion,
} from "../support/nats-server.js";
import { backUp, rollBack } from "../support/roll-back.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";
import { emptyState, NaivePull, type NaiveState, NaiveWatch } from "./naive-watch.js";

const BUCKET = "b";
/** Written last, so that a copy that has it has had its chance. */
const LAST = "last";

interface Scene extends AsyncDisposable {
  readonly server: NatsServer;
  readonly connection: NatsConnection;
  readonly client: Client;
  readonly bucket: KvStore;
  readonly storeDir: string;
  readonly copyDir: string;
}

async function openScene(version: ServerVersion, config: BucketConfig = {}): Promise<Scene> {
  const store = await tempDirectory();
  const copy = await tempDirectory();
  const storeDir = store.file("store");
  const opened: AsyncDisposable[] = [store, copy];
  const close = async (): Promise<void> => {
    for (const each of opened.toReversed()) await each[Symbol.asyncDispose]();
  };
  try {
    const server = await startNatsServer({ version, storeDir });
    opened.push(server);
    const connection = await connect({ servers: server.url, random: () => Math.random() / 100 });
    opened.push(connection);
    const client = await connectClient({
      servers: server.url.replace("nats://", ""),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 50,
    });
    opened.push({ [Symbol.asyncDispose]: () => client.close() });
    const bucket = await connection.createBucket(BUCKET, config);
    const copyDir = copy.path;
    return { server, connection, client, bucket, storeDir, copyDir, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function putAll(bucket: KvStore, ...keys: string[]): Promise<void> {
  for (const key of keys) await bucket.put(key, bytes(`${key}'s`));
}

function openCopy(scene: Scene, options: Partial<ReplicaOptions> = {}): Promise<Replica> {
  const retry = { minMs: 10, maxMs: 100 };
  return openReplica({ source: scene.bucket, path: scene.copyDir, retry, ...options });
}

/** After a restart of the server. A connection may have yet to notice it, and what it is asked until then fails. */
async function bothAnswer({ bucket, client }: Scene): Promise<void> {
  await until("both connections answer", async () => {
    const answers = await Promise.allSettled([bucket.info(), client.flush()]);
    return answers.every(({ status }) => status === "fulfilled");
  });
}

/** `key=value`, sorted. */
async function bucketNow({ bucket }: Scene): Promise<string[]> {
  const shown: string[] = [];
  for await (const { key, value } of bucket.scan()) {
    shown.push(`${key}=${Buffer.from(value).toString()}`);
  }
  return shown.toSorted();
}

function copyNow(replica: Replica): string[] {
  return Array.from(
    replica.entries(),
    ({ key, value }) => `${key}=${Buffer.from(value).toString()}`,
  ).toSorted();
}

function naiveNow({ values }: NaiveState): string[] {
  return Array.from(values, ([key, value]) => `${key}=${value}`).toSorted();
}

/** The naive copy is not the bucket, and stays so; ours comes to be, and says so. */
async function judge(scene: Scene, naive: NaiveState, replica: Replica): Promise<void> {
  await until("ours is the bucket", async () => {
    const bucket = await bucketNow(scene);
    return replica.status().state === "live" && copyNow(replica).join() === bucket.join();
  });
  assert.notDeepEqual(naiveNow(naive), await bucketNow(scene));
}

/** Both copies follow the bucket, stop, and go on after `whileAway`. */
async function afterAbsence(scene: Scene, whileAway: () => Promise<void>): Promise<void> {
  const { client } = scene;
  const state = emptyState();
  {
    await using _naive = await new NaiveWatch(client, state).start(BUCKET);
    await using replica = await openCopy(scene);
    await replica.ready();
    const now = await bucketNow(scene);
    await until("the naive copy is the bucket", () => naiveNow(state).join() === now.join());
    assert.deepEqual(copyNow(replica), now);
  }
  await whileAway();
  await using _naive = await new NaiveWatch(client, state).start(BUCKET);
  await using replica = await openCopy(scene);
  // Not before both follow: it must come after all that happened.
  await replica.ready();
  await scene.bucket.put(LAST, bytes("1"));
  await until("the naive copy goes on", () => state.values.has(LAST));
  await judge(scene, state, replica);
}

for (const version of serverVersions) {
  describe(`on ${version} a naive watch, unlike a replica, silently differs`, () => {
    test("when a delete's marker was purged while it was away (fact 2)", async () => {
      await using scene = await openScene(version);
      const { bucket, client } = scene;
      await putAll(bucket, "a", "b", "c");
      await afterAbsence(scene, async () => {
        await bucket.delete("b");
        await putAll(bucket, "d");
        const filter = { filter: `$KV.${BUCKET}.b` };
        await callApi(client, `STREAM.PURGE.KV_${BUCKET}`, filter);
        assert.equal((await bucket.info()).firstSequence, 1n);
      });
    });

    test("when the bucket was deleted and made again (fact 3)", async () => {
      await using scene = await openScene(version);
      const { bucket, client, connection } = scene;
      await putAll(bucket, "a", "b");
      await afterAbsence(scene, async () => {
        await operatorOf(client).deleteBucket(BUCKET);
        await connection.createBucket(BUCKET);
        // As many as the old position, and more.
        await putAll(bucket, "x", "y", "y", "y");
      });
    });

    test("when the server's store was rolled back to a backup (fact 3)", async () => {
      await using scene = await openScene(version);
      const { bucket, server, storeDir } = scene;
      const copy = `${storeDir}-copy`;
      await putAll(bucket, "a", "b");
      await backUp(server, storeDir, copy);
      await bothAnswer(scene);
      await putAll(bucket, "c");
      await afterAbsence(scene, async () => {
        await rollBack(server, storeDir, copy);
        await bothAnswer(scene);
        assert.equal((await bucket.info()).lastSequence, 2n);
        await putAll(bucket, "d", "e");
      });
    });

    test("when its place in the stream had been dropped while it was away (fact 4)", async () => {
      await using scene = await openScene(version);
      const { bucket, client } = scene;
      await putAll(bucket, "a", "b");
      await afterAbsence(scene, async () => {
        await bucket.delete("a");
        await putAll(bucket, "c", "d");
        await operatorOf(client).evictBefore(BUCKET, 5n);
      });
    });

    test("when it is slow, and the bucket drops what it has not read (fact 5)", async () => {
      await using scene = await openScene(version);
      const { bucket, client } = scene;
      await putAll(bucket, "a", "b");
      const state = emptyState();
      const slow = new Gate();
      const hold = async (key: string): Promise<void> => {
        if (key === "hold") await slow.pass();
      };
      await using _naive = await new NaivePull(client, state, hold).start(BUCKET);
      await using replica = await openCopy(scene, {
        batch: { maxUpdates: 1, queueCapacity: 1, windowMs: 0 },
        held: { maxUpdates: 1 },
        openStore: async (path) => {
          const store = await AppendLogSnapshot.open(path);
          const apply = store.apply.bind(store);
          store.apply = async (updates, ...rest) => {
            for (const { key } of updates) await hold(key);
            await apply(updates, ...rest);
          };
          return store;
        },
      });
      await using _held = { [Symbol.asyncDispose]: async () => slow.open() };
      await replica.ready();
      await until("the naive copy is level", () => state.values.size === 2);
      await putAll(bucket, "hold");
      for (let count = 0; count < 3_000; count += 1) client.publish(`$KV.${BUCKET}.busy`, "x");
      await client.flush();
      await bucket.delete("a");
      await bucket.put(LAST, bytes("1"));
      await operatorOf(client).evictBefore(BUCKET, (await bucket.info()).lastSequence);
      slow.open();
      await until("the naive copy goes on", () => state.values.has(LAST));
      await judge(scene, state, replica);
    });

    test("when values expire without a marker (fact 8)", async () => {
      await using scene = await openScene(version, { maxAgeMs: 1_500 });
      const { bucket, client } = scene;
      const state = emptyState();
      await using _naive = await new NaiveWatch(client, state).start(BUCKET);
      await using replica = await openCopy(scene);
      await putAll(bucket, "a", "b");
      await until("both have it", () => state.values.size === 2 && replica.size === 2);
      await until("it is gone", async () => (await bucketNow(scene)).length === 0);
      await judge(scene, state, replica);
    });
  });
}

describe("on 2.15.1 a naive watch, unlike a replica, silently differs", () => {
  for (const reason of ["Purge", "Remove"]) {
    test(`when a marker says ${reason} (fact 8)`, async () => {
      await using scene = await openScene("2.15.1", { markerTtlMs: 60_000 });
      const { bucket, client } = scene;
      await putAll(bucket, "a", "b");
      const state = emptyState();
      await using _naive = await new NaiveWatch(client, state).start(BUCKET);
      await using replica = await openCopy(scene);
      await replica.ready();
      await until("the naive copy is level", () => state.values.size === 2);
      // As the server writes it where a limit or an operator took the key.
      const marker = headers();
      marker.set("Nats-Marker-Reason", reason);
      client.publish(`$KV.${BUCKET}.a`, "", { headers: marker });
      await client.flush();
      await bucket.put(LAST, bytes("1"));
      await until("the naive copy goes on", () => state.values.has(LAST));
      assert.equal(state.values.get("a"), "");
      await judge(scene, state, replica);
    });
  }
});
