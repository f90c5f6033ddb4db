import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { connect, type ConnectOptions } from "../../src/nats/index.js";
import { openReplica, type ReplicaEvent } from "../../src/replica/index.js";
import { operatorMode, userKeys } from "../support/nats-jwt.js";
import { serverVersions, startNatsServer, type NatsServer } from "../support/nats-server.js";
import { printed } from "../support/printed.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

/** Connects and does something that needs the right to. */
async function works(server: NatsServer, options: Partial<ConnectOptions>): Promise<void> {
  await using connection = await connect({ servers: server.url, ...options });
  const bucket = await connection.createBucket("b");
  await bucket.put("a", Uint8Array.of(1));
  assert.equal((await bucket.get("a"))?.value[0], 1);
}

async function failureOf(options: ConnectOptions): Promise<unknown> {
  try {
    await (await connect(options)).close();
    return undefined;
  } catch (error) {
    return error;
  }
}

const withUser = 'authorization { user: "u@x", password: "p:a/ss" }';

for (const version of serverVersions) {
  describe(`credentials on ${version}`, () => {
    test("of a creds file work, with LF and with CRLF, as a file and in base64", async () => {
      const { config, creds } = operatorMode();
      await using server = await startNatsServer({ version, config });
      await using folder = await tempDirectory();
      for (const text of [creds, creds.replaceAll("\n", "\r\n"), creds.trimEnd()]) {
        const credsFile = folder.file("user.creds");
        await writeFile(credsFile, text);
        await works(server, { credsFile });
        await works(server, { credsBase64: Buffer.from(text).toString("base64") });
      }
    });

    test("of an nkey work", async () => {
      const { publicKey, seed } = userKeys();
      const config = `authorization { users: [ { nkey: ${publicKey} } ] }`;
      await using server = await startNatsServer({ version, config });
      await works(server, { nkeySeed: seed });
    });

    test("of user and password work, as options and percent-encoded in the address", async () => {
      await using server = await startNatsServer({ version, config: withUser });
      await works(server, { user: "u@x", password: "p:a/ss" });
      await works(server, { servers: `nats://u%40x:p%3Aa%2Fss@127.0.0.1:${server.port}` });
    });

    test("of a token work, as an option and in the address", async () => {
      const config = 'authorization { token: "t0k/en" }';
      await using server = await startNatsServer({ version, config });
      await works(server, { token: "t0k/en" });
      await works(server, { servers: `nats://t0k%2Fen@127.0.0.1:${server.port}` });
    });

    test("are not needed where the server wants none, and do no harm", async () => {
      await using server = await startNatsServer({ version });
      await works(server, {});
      await works(server, { user: "u", password: "p" });
      await works(server, { servers: `nats://t0ken@127.0.0.1:${server.port}` });
    });

    test("that are revoked stop the replica's following, say so, and are good again once given back", async () => {
      await using store = await tempDirectory();
      await using directory = await tempDirectory();
      const config = "authorization { users: [ { user: u, password: s3cret } ] }";
      const revoked = "authorization { users: [ { user: other, password: other } ] }";
      const common = { version, storeDir: store.path };
      const server = await startNatsServer({ ...common, config });
      await using _first = server;
      const { port } = server;
      await using connection = await connect({
        servers: `nats://u:s3cret@127.0.0.1:${port}`,
        random: () => 0,
      });
      const source = await connection.createBucket("b");
      await source.put("a", Uint8Array.of(1));
      const events: ReplicaEvent[] = [];
      await using replica = await openReplica({
        source,
        path: directory.path,
        retry: { minMs: 10, maxMs: 100 },
        onEvent: (event) => events.push(event),
      });
      await replica.ready();
      await server.kill();
      {
        await using _closed = await startNatsServer({ ...common, port, config: revoked });
        await until("it is told", () =>
          isMillpondError(replica.status().lastError, "authorization"),
        );
        assert.equal(replica.status().state, "stale");
        assert.equal(replica.status().connected, false);
        assert.equal(replica.get("a")?.[0], 1);
        await assert.rejects(
          source.put("a", Uint8Array.of(2)),
          (error) => isMillpondError(error, "authorization") && error.hint !== undefined,
        );
      }
      await using _again = await startNatsServer({ ...common, port, config });
      await until("it follows again", () => replica.status().state === "live");
      const version2 = await source.put("a", Uint8Array.of(2));
      await until("it is in sync", () => replica.entry("a")?.version.equals(version2));
      for (const thing of [...events, replica, replica.status(), source, connection]) {
        assert.doesNotMatch(printed(thing), /s3cret/);
      }
    });

    test("that are wrong or missing are an authorization error that holds no secret", async () => {
      await using server = await startNatsServer({ version, config: withUser });
      const host = `127.0.0.1:${server.port}`;
      for (const options of [
        { servers: server.url },
        { servers: server.url, user: "u@x", password: "s3cret" },
        { servers: `nats://u%40x:s3cret@${host}` },
        { servers: server.url, token: "s3cret" },
        { servers: server.url, nkeySeed: userKeys().seed },
      ]) {
        const error = await failureOf(options);
        assert.ok(isMillpondError(error, "authorization"), String(error));
        assert.ok(error.hint !== undefined);
        assert.doesNotMatch(printed(error), /s3cret|SU[A-Z0-9]{20}/);
      }
    });
  });
}

describe("credentials", () => {
  test("of a creds file are read anew when a connection is taken up again", async () => {
    const old = operatorMode();
    const renewed = operatorMode();
    await using folder = await tempDirectory();
    const credsFile = folder.file("user.creds");
    await writeFile(credsFile, old.creds);
    const server = await startNatsServer({ version: "2.15.1", config: old.config });
    await using _ = server;
    const { port, url } = server;
    await using connection = await connect({ servers: url, credsFile, random: () => 0 });
    await server.kill();
    await writeFile(credsFile, "half a fi");
    await using _renewed = await startNatsServer({
      version: "2.15.1",
      port,
      config: renewed.config,
    });
    await until("it is refused", () =>
      connection
        .bucket("b")
        .info()
        .then(
          () => false,
          (error: unknown) => isMillpondError(error, "authorization"),
        ),
    );
    await writeFile(credsFile, renewed.creds);
    await until("it is connected", () => connection.connected);
  });

  test("that are a password without a user are refused", async () => {
    const error = await failureOf({ servers: "nats://127.0.0.1:1", password: "s3cret" });
    assert.ok(isMillpondError(error, "invalid-argument"), String(error));
    assert.doesNotMatch(printed(error), /s3cret/);
  });

  test("count in this order: base64, file, nkey, token, user, the address", async () => {
    await using server = await startNatsServer({ version: "2.15.1", config: withUser });
    const inAddress = `nats://u%40x:p%3Aa%2Fss@127.0.0.1:${server.port}`;
    await works(server, { servers: inAddress });
    const earlier: Partial<ConnectOptions>[] = [
      { credsBase64: Buffer.from("nonsense").toString("base64") },
      { credsFile: "/no/such/file" },
      { nkeySeed: "nonsense" },
      { token: "wrong" },
      { user: "wrong" },
    ];
    const codes = [];
    for (let first = 0; first < earlier.length; first += 1) {
      const options = Object.assign({ servers: inAddress }, ...earlier.slice(first));
      const error = await failureOf(options as ConnectOptions);
      codes.push(isMillpondError(error) ? error.code : error);
    }
    assert.deepEqual(codes, [
      "invalid-argument",
      "io",
      "invalid-argument",
      "authorization",
      "authorization",
    ]);
  });

  test("that cannot be read are refused without being quoted", async () => {
    const seed = userKeys().seed.slice(0, -4);
    const { creds: whole, seed: itsSeed } = operatorMode();
    const creds = whole.replace(itsSeed, itsSeed.slice(0, -4));
    for (const options of [
      { nkeySeed: seed },
      { credsBase64: Buffer.from(creds).toString("base64") },
      { credsBase64: "!!!" },
    ]) {
      const error = await failureOf({ servers: "nats://127.0.0.1:1", ...options });
      assert.ok(isMillpondError(error, "invalid-argument"), String(error));
      assert.doesNotMatch(printed(error), /S[U3][A-Z0-9]{20}/);
    }
  });

  test("do not show in a connection, however it is printed", async () => {
    const { config, creds, seed } = operatorMode();
    await using server = await startNatsServer({ version: "2.15.1", config });
    const credsBase64 = Buffer.from(creds).toString("base64");
    await using connection = await connect({ servers: server.url, credsBase64 });
    const bucket = await connection.createBucket("b");
    const watch = await bucket.watch({ kind: "all" });
    for (const thing of [connection, bucket, watch]) {
      const text = printed(thing);
      assert.ok(!text.includes(seed) && !text.includes("authenticator"), text);
    }
    await watch.close();
  });
});
