import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError, type ErrorCode } from "../../src/errors/index.js";
import { allKeys } from "../../src/kv/index.js";
import { connect } from "../../src/nats/index.js";
import { openReplica, type ReplicaEvent } from "../../src/replica/index.js";
import { Flow, within } from "../../src/testing/bucket/flow.js";
import { bytes } from "../support/bucket.js";
import { assertMirrors } from "../support/copies.js";
import { startTcpProxy } from "../faults/tcp-proxy.js";
import { startNatsServer } from "../support/nats-server.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

const version = "2.15.1";
/** Silence is noticed after 2.5 to 3.5 s, and mended for 5 s. */
const TOLD_MS = 11_000;
/** A copy of which nothing is heard for 2.5 s is called stale; the rest is for a machine that is busy. */
const STALE_MS = 4_000;

async function endsWith(code: ErrorCode, flow: Flow): Promise<void> {
  const error = await within("the watch says so", flow.end(), TOLD_MS);
  assert.ok(isMillpondError(error, code), `expected ${code}, got ${String(error)}`);
}

describe("a bucket that cannot be followed", { concurrency: true }, () => {
  test("because its server stands still is told in seconds, and followed again after", async () => {
    await using server = await startNatsServer({ version });
    await using directory = await tempDirectory();
    await using connection = await connect({ servers: server.url });
    const bucket = await connection.createBucket("b");
    await bucket.put("a", bytes("1"));
    const events: ReplicaEvent[] = [];
    await using replica = await openReplica({
      source: bucket,
      path: directory.path,
      onEvent: (event) => events.push(event),
    });
    await replica.ready();
    process.kill(server.pid, "SIGSTOP");
    try {
      await until("stale", () => replica.status().state === "stale", STALE_MS);
      assert.equal(replica.size, 1);
      const told = (): ReplicaEvent[] => events.filter(({ type }) => type === "retrying");
      await until("told why", () => told().length > 0, TOLD_MS);
      const [retrying] = told();
      assert.ok(retrying?.type === "retrying" && isMillpondError(retrying.error));
      // Another watch is refused in bounded time as well, and nothing calls the copy good meanwhile.
      await until("retried", () => told().length > 1);
      assert.equal(replica.status().state, "stale");
    } finally {
      process.kill(server.pid, "SIGCONT");
    }
    await until("it can be written to", () =>
      bucket.put("b", bytes("2")).then(
        () => true,
        () => false,
      ),
    );
    await until("live", () => replica.status().state === "live" && replica.size === 2);
    await assertMirrors(replica, bucket);
  });

  test("because its line swallows everything is followed over another one", async () => {
    await using server = await startNatsServer({ version });
    await using line = await startTcpProxy(server.port);
    await using directory = await tempDirectory();
    await using connection = await connect({ servers: `127.0.0.1:${line.port}` });
    await using writer = await connect({ servers: server.url });
    const bucket = await writer.createBucket("b");
    await bucket.put("a", bytes("1"));
    const source = connection.bucket("b");
    await using replica = await openReplica({ source, path: directory.path });
    await replica.ready();
    line.set("swallow");
    await bucket.put("b", bytes("2"));
    await until("the line is given up", () => !connection.connected, STALE_MS);
    assert.equal(replica.status().state, "stale");
    line.heal();
    // Long before the client's own pings would find out.
    await until("live", () => replica.status().state === "live" && replica.size === 2, TOLD_MS);
    await assertMirrors(replica, bucket);
  });

  test("because JetStream is off ends its watch with what the server said", async () => {
    await using server = await startNatsServer({ version });
    const { port } = server;
    await using connection = await connect({ servers: server.url });
    const bucket = await connection.createBucket("b");
    await using flow = await Flow.open(bucket, allKeys);
    await flow.untilCaughtUp();
    flow.ask();
    await server.stop();
    await using _other = await startNatsServer({ version, port, jetStream: false });
    await endsWith("operation-failed", flow);
  });

  test("because its server is down ends its watch with not-connected", async () => {
    await using server = await startNatsServer({ version });
    await using connection = await connect({ servers: server.url });
    const bucket = await connection.createBucket("b");
    await bucket.put("a", bytes("1"));
    await using flow = await Flow.open(bucket, allKeys);
    await flow.untilCaughtUp();
    const { cursor } = flow;
    flow.ask();
    await server.kill();
    await endsWith("not-connected", flow);
    await server.restart();
    await until("the connection is up", () => connection.connected);
    await bucket.put("b", bytes("1"));
    await using next = await Flow.open(bucket, allKeys, { from: cursor });
    await next.untilCaughtUp();
    assert.deepEqual([...flow.story, ...next.story], ["a=1", "b=1"]);
  });
});
