import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { connect as connectClient } from "@nats-io/transport-node";
import { isMillpondError, type ErrorCode } from "../../src/errors/index.js";
import { connect, fromConnection } from "../../src/nats/index.js";
import { serverVersions, startNatsServer } from "../support/nats-server.js";
import { listen, posingAs } from "../support/tcp-listener.js";
import { until } from "../support/until.js";

const VALUE = Uint8Array.of(1);

async function refuses(code: ErrorCode, work: Promise<unknown>): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(isMillpondError(error, code), `expected ${code}, got ${String(error)}`);
    return true;
  });
}

for (const version of serverVersions) {
  describe(`a connection to ${version}`, () => {
    test("tells what the server can do", async () => {
      await using server = await startNatsServer({ version, config: "max_payload: 65536" });
      await using connection = await connect({ servers: server.url });
      assert.equal(connection.serverVersion, version);
      assert.equal(connection.capabilities.ttl, version !== "2.10.27");
      const { maxValueBytes } = connection.capabilities;
      assert.ok(maxValueBytes < 65_536 && maxValueBytes > 65_000);
      const bucket = await connection.createBucket("b");
      const value = new Uint8Array(maxValueBytes).fill(7);
      await bucket.update("a", value, await bucket.put("a", value));
      assert.deepEqual((await bucket.get("a"))?.value, value);
    });

    test("without JetStream on the server is refused with a hint", async () => {
      await using server = await startNatsServer({ version, jetStream: false });
      await assert.rejects(
        connect({ servers: server.url }),
        (error) => isMillpondError(error, "operation-failed") && /JetStream/.test(error.hint ?? ""),
      );
    });

    test("without JetStream for the account is refused with a hint", async () => {
      const config = "accounts: { A: { users: [ { user: u, password: p } ] } }";
      await using server = await startNatsServer({ version, config });
      await assert.rejects(
        connect({ servers: server.url, user: "u", password: "p" }),
        (error) => isMillpondError(error, "operation-failed") && /JetStream/.test(error.hint ?? ""),
      );
    });

    test("is refused in plaintext where the address or an option asks for TLS", async () => {
      await using server = await startNatsServer({ version });
      const servers = `tls://u:s3cret@127.0.0.1:${server.port}`;
      await assert.rejects(
        connect({ servers }),
        (error) =>
          isMillpondError(error, "tls-failed") &&
          /no TLS/.test(error.hint ?? "") &&
          !error.message.includes("s3cret"),
      );
      await refuses("tls-failed", connect({ servers: server.url, tls: {} }));
    });

    test("fails requests at once while it is down, also those under way, and works again after", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      const bucket = await connection.createBucket("b");
      process.kill(server.pid, "SIGSTOP");
      const underWay = refuses("not-connected", bucket.put("a", VALUE));
      await server.kill();
      await underWay;
      assert.equal(connection.connected, false);
      await refuses("not-connected", bucket.get("a"));
      await server.restart();
      await until("the connection is up", () => bucket.connected);
      await bucket.put("a", VALUE);
    });

    test("that is closed says so at every operation, and closes again without harm", async () => {
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      const bucket = await connection.createBucket("b");
      await connection.close();
      await connection.close();
      assert.equal(bucket.connected, false);
      await refuses("not-connected", bucket.put("a", VALUE));
      await refuses("not-connected", bucket.watch({ kind: "all" }));
      await refuses("not-connected", bucket.keys().next());
    });

    test("of a user without permission says what it may not do", async () => {
      const config = `accounts: { A: { jetstream: enabled, users: [
        { user: all, password: p },
        { user: few, password: p, permissions: { publish: ["$JS.API.STREAM.INFO.KV_b"] } } ] } }`;
      await using server = await startNatsServer({ version, config });
      await using all = await connect({ servers: server.url, user: "all", password: "p" });
      await all.createBucket("b");
      await using few = await connect({ servers: server.url, user: "few", password: "p" });
      const bucket = few.bucket("b");
      assert.equal((await bucket.info()).lastSequence, 0n);
      await refuses("authorization", bucket.put("a", VALUE));
      await refuses("authorization", bucket.get("a"));
      await refuses("authorization", bucket.watch({ kind: "all" }));
      await refuses("authorization", bucket.keys().next());
    });

    test("over a client of the caller's leaves that open", async () => {
      await using server = await startNatsServer({ version });
      await using client = await connectClient({ port: server.port });
      await using connection = await fromConnection(client);
      const bucket = await connection.createBucket("b");
      await bucket.put("a", VALUE);
      await connection.close();
      await refuses("not-connected", bucket.get("a"));
      assert.equal(client.isClosed(), false);
      await using again = await fromConnection(client);
      assert.equal((await again.bucket("b").info()).lastSequence, 1n);
      await client.close();
      await until("the end is seen", () => !again.connected);
      await refuses("not-connected", again.bucket("b").get("a"));
      await refuses("not-connected", fromConnection(client));
    });
  });
}

describe("connecting", () => {
  test("to a server that is down fails with a hint", async () => {
    await assert.rejects(
      connect({ servers: "nats://u:s3cret@127.0.0.1:1" }),
      (error) =>
        isMillpondError(error, "connection-failed") &&
        error.hint !== undefined &&
        error.message.includes("127.0.0.1:1") &&
        !error.message.includes("s3cret"),
    );
  });

  test("goes on to the next server of a list", async () => {
    await using server = await startNatsServer({ version: "2.15.1" });
    await using connection = await connect({ servers: ["nats://127.0.0.1:1", server.url] });
    assert.equal(connection.connected, true);
  });

  test("to something that never answers ends at the limit, and leaves no socket open", async () => {
    await using silent = await listen();
    await refuses("connection-failed", connect({ servers: silent.address, requestTimeoutMs: 100 }));
    assert.equal(silent.taken, 1);
    await until("the socket is closed", () => silent.open === 0);
  });

  test("to a server that is too old is refused, and leaves no socket open", async () => {
    await using old = await listen(posingAs("2.9.25"));
    await refuses("server-too-old", connect({ servers: old.address }));
    await until("the socket is closed", () => old.open === 0);
  });

  test("to a server that hangs up after it introduced itself fails at once", async () => {
    await using rude = await listen((socket) => {
      socket.write('INFO {"server_id":"X","version":"2.15.1","proto":1,"max_payload":1024}\r\n');
      setTimeout(() => socket.destroy(), 20);
    });
    const began = performance.now();
    await refuses("connection-failed", connect({ servers: rude.address }));
    assert.ok(performance.now() - began < 2_000);
  });

  test("can be given up, with the signal's reason, and leaves no socket open", async () => {
    await using silent = await listen();
    await using second = await listen();
    const reason = new Error("enough");
    const controller = new AbortController();
    const servers = [silent.address, second.address];
    const connecting = connect({ servers, signal: controller.signal });
    await until("it dials", () => silent.taken + second.taken > 0);
    controller.abort(reason);
    await assert.rejects(connecting, (error) => error === reason);
    await until("the sockets are closed", () => silent.open + second.open === 0);
  });

  test("again, and closed meanwhile, leaves no socket open", async () => {
    await using server = await startNatsServer({ version: "2.15.1" });
    await using connection = await connect({ servers: server.url });
    await server.kill();
    await using silent = await listen(() => {}, server.port);
    await until("it dials", () => silent.open > 0);
    await connection.close();
    await until("the socket is closed", () => silent.open === 0);
  });

  test("refuses a limit that is out of range", async () => {
    for (const requestTimeoutMs of [0, 30_001, Number.NaN]) {
      await refuses("invalid-argument", connect({ servers: "127.0.0.1:1", requestTimeoutMs }));
    }
  });
});
