import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError, type ErrorCode } from "../../src/errors/index.js";
import { allKeys } from "../../src/kv/index.js";
import { connect, type ConnectOptions, type NatsConnection } from "../../src/nats/index.js";
import { openReplica } from "../../src/replica/index.js";
import { bytes } from "../support/bucket.js";
import { assertMirrors } from "../support/copies.js";
import { startNatsServer } from "../support/nats-server.js";
import { listen, posingAs } from "../support/tcp-listener.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

const version = "2.15.1";

/** Without waiting for a server, and with short pauses between dials; names of consumers are random, and stay different. */
function connectLater(options: ConnectOptions): Promise<NatsConnection> {
  return connect({ random: () => Math.random() / 100, ...options, waitForServer: false });
}

async function refuses(code: ErrorCode, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(isMillpondError(error, code), `expected ${code}, got ${String(error)}`);
    return true;
  });
}

async function saysInTime(connection: NatsConnection, code: ErrorCode): Promise<void> {
  await until(`requests throw ${code}`, () =>
    connection
      .bucket("b")
      .info()
      .then(
        () => false,
        (error: unknown) => isMillpondError(error, code),
      ),
  );
}

describe("a connection that does not wait for a server", () => {
  test("lets a copy be read while the server is down, and catch up once it is there", async () => {
    await using directory = await tempDirectory();
    await using server = await startNatsServer({ version });
    {
      await using connection = await connect({ servers: server.url });
      const bucket = await connection.createBucket("b");
      await bucket.put("a", bytes("1"));
      await using replica = await openReplica({ source: bucket, path: directory.path });
      await replica.ready();
    }
    await server.kill();
    await using connection = await connectLater({ servers: server.url });
    const source = connection.bucket("b");
    await using replica = await openReplica({ source, path: directory.path });
    assert.deepEqual(replica.get("a"), bytes("1"));
    await until("the outage is told", () => replica.status().state === "stale");
    assert.equal(replica.status().connected, false);
    await server.restart();
    await replica.ready();
    assert.equal(replica.status().resumed, true);
    await source.put("b", bytes("2"));
    await until("the copy goes on", () => replica.size === 2);
    await assertMirrors(replica, source);
    assert.equal(connection.serverVersion, version);
    assert.equal(connection.capabilities.ttl, true);
  });

  test("throws not-connected before the first contact, whatever is asked", async () => {
    await using connection = await connectLater({ servers: "127.0.0.1:1" });
    const bucket = connection.bucket("b");
    assert.equal(connection.connected, false);
    assert.equal(connection.serverVersion, "");
    assert.deepEqual(
      [connection.capabilities.ttl, connection.capabilities.maxValueBytes],
      [false, 0],
    );
    await refuses("not-connected", bucket.put("a", bytes("1"), { ttlMs: 1000 }));
    await refuses("not-connected", bucket.put("a", bytes("1")));
    await refuses("not-connected", bucket.watch(allKeys));
    await refuses("not-connected", bucket.keys().next());
    await refuses("not-connected", connection.createBucket("b", { markerTtlMs: 1000 }));
    await until("the cause is told", () =>
      bucket.get("a").then(
        () => false,
        (error: unknown) => error instanceof Error && error.message.includes("127.0.0.1:1"),
      ),
    );
  });

  test("says what only a person can mend, and connects once it is mended", async () => {
    const config = "authorization { user: u, password: p }";
    await using closed = await startNatsServer({ version, config });
    const { port } = closed;
    await using connection = await connectLater({ servers: closed.url });
    await saysInTime(connection, "authorization");
    await closed.kill();
    await using _open = await startNatsServer({ version, port });
    await until("it is connected", () => connection.connected);
    await connection.createBucket("b");
  });

  test("says that a server has no JetStream, or is too old", async () => {
    await using without = await startNatsServer({ version, jetStream: false });
    await using first = await connectLater({ servers: without.url });
    await saysInTime(first, "operation-failed");
    await using old = await listen(posingAs("2.9.25"));
    await using second = await connectLater({ servers: old.address });
    await saysInTime(second, "server-too-old");
  });

  test("that is closed while it dials leaves no socket open, and dials no more", async () => {
    await using silent = await listen();
    await using connection = await connectLater({ servers: silent.address });
    await until("it dials", () => silent.open > 0);
    await connection.close();
    await connection.close();
    await refuses("not-connected", connection.bucket("b").get("a"));
    await until("the socket is closed", () => silent.open === 0);
    assert.equal(silent.taken, 1);
  });

  test("refuses at once what can never be right", async () => {
    await refuses("invalid-argument", connectLater({ servers: "http://x" }));
    await refuses("invalid-argument", connectLater({ servers: "x", requestTimeoutMs: 0 }));
    await refuses("io", connectLater({ servers: "x", credsFile: "/nowhere/at.all" }));
  });
});
