import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect as connectClient } from "@nats-io/transport-node";
import { allKeys } from "../../src/kv/index.js";
import { connect } from "../../src/nats/index.js";
import { Flow } from "../../src/testing/bucket/flow.js";
import { startTcpProxy } from "../faults/tcp-proxy.js";
import { bytes } from "../support/bucket.js";
import { consumersOf } from "../support/nats-harness.js";
import { serverVersions, startNatsServer } from "../support/nats-server.js";
import { until } from "../support/until.js";

/** The server would remove them by itself after 45 s. */
const SOON_MS = 8_000;

for (const version of serverVersions) {
  describe(`consumers on ${version}`, () => {
    test("that could not be deleted while the line was down are deleted once it is back", async () => {
      await using server = await startNatsServer({ version });
      await using proxy = await startTcpProxy(server.port);
      await using client = await connectClient({ port: server.port });
      await using connection = await connect({ servers: `127.0.0.1:${proxy.port}` });
      const bucket = await connection.createBucket("b");
      await bucket.put("a", bytes("1"));
      await using closed = await Flow.open(bucket, allKeys);
      await closed.untilCaughtUp();
      await using flow = await Flow.open(bucket, allKeys, { sweeps: true });
      await flow.untilCaughtUp();
      const before = await consumersOf(client, "b");
      assert.equal(before.length, 2);
      proxy.set("cut");
      await until("down", () => !connection.connected);
      await closed.watch.close();
      proxy.heal();
      await flow.until("replaced", () => flow.batches.at(-1)?.rebuilds !== undefined);
      await until(
        "the old ones are gone",
        async () => {
          const now = await consumersOf(client, "b");
          return now.length === 1 && !before.includes(now[0] ?? "");
        },
        SOON_MS,
      );
    });

    test("that are being made when their connection is closed are deleted", async () => {
      await using server = await startNatsServer({ version });
      await using proxy = await startTcpProxy(server.port);
      await using client = await connectClient({ port: server.port });
      const connection = await connect({ servers: `127.0.0.1:${proxy.port}` });
      const bucket = await connection.createBucket("b");
      await bucket.put("a", bytes("1"));
      proxy.delay(200);
      const counting = bucket.countRecords(allKeys).catch(() => undefined);
      await until("it is made", async () => (await consumersOf(client, "b")).length === 1);
      // Its answer is still under way.
      await connection.close();
      await counting;
      await until(
        "none is left",
        async () => (await consumersOf(client, "b")).length === 0,
        SOON_MS,
      );
    });

    test("of watches that are open when their connection is closed are deleted", async () => {
      await using server = await startNatsServer({ version });
      await using client = await connectClient({ port: server.port });
      const connection = await connect({ servers: server.url });
      const bucket = await connection.createBucket("b");
      await bucket.put("a", bytes("1"));
      await using flow = await Flow.open(bucket, allKeys);
      await flow.untilCaughtUp();
      await using _unread = await bucket.watch(allKeys);
      assert.equal((await consumersOf(client, "b")).length, 2);
      await connection.close();
      await until(
        "none is left",
        async () => (await consumersOf(client, "b")).length === 0,
        SOON_MS,
      );
    });
  });
}

describe("a watch whose line was lost", () => {
  test("is not level again before its new consumer has said what was missed", async () => {
    await using server = await startNatsServer({ version: "2.15.1" });
    await using proxy = await startTcpProxy(server.port);
    await using writer = await connect({ servers: server.url });
    await using connection = await connect({ servers: `127.0.0.1:${proxy.port}` });
    const bucket = await writer.createBucket("b");
    await using flow = await Flow.open(connection.bucket("b"), allKeys, { sweeps: true });
    await flow.untilCaughtUp();
    proxy.set("cut");
    await until("down", () => !connection.connected);
    for (let key = 0; key < 3; key += 1) await bucket.put(`k.${key}`, bytes("1"));
    const said = flow.batches.length;
    proxy.heal();
    await flow.untilUpdates(3);
    const since = flow.batches.slice(said);
    const answer = since.findIndex(({ rebuilds }) => rebuilds === 1);
    const level = since.findIndex(({ pending }) => pending === 0);
    assert.equal(since[answer]?.pending, 3);
    assert.ok(level > answer, `level with batch ${level}, answered with batch ${answer}`);
  });
});
