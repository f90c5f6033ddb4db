import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { isMillpondError, type ErrorCode, type MillpondError } from "../../src/errors/index.js";
import { connect, type ConnectOptions } from "../../src/nats/index.js";
import { serverVersions, startNatsServer, type NatsServer } from "../support/nats-server.js";
import { listen } from "../support/tcp-listener.js";
import { certificateOf, clientTls, serverTls } from "../support/tls.js";
import { until } from "../support/until.js";

const caFile = certificateOf("ca");
const handshakeFirst = "handshake_first: true";
const wantsClients = [`ca_file: "${caFile}"`, "verify: true"];

/** Connects by number, unless told otherwise, and does something. */
async function works(server: NatsServer, options: Partial<ConnectOptions>): Promise<void> {
  await using connection = await connect({ servers: `tls://127.0.0.1:${server.port}`, ...options });
  const bucket = await connection.createBucket("b");
  await bucket.put("a", Uint8Array.of(1));
}

async function refusal(options: ConnectOptions, code: ErrorCode): Promise<MillpondError> {
  try {
    await (await connect(options)).close();
  } catch (error) {
    assert.ok(isMillpondError(error, code), `expected ${code}, got ${String(error)}`);
    return error;
  }
  return assert.fail("it connected");
}

for (const version of serverVersions) {
  describe(`TLS to ${version}`, () => {
    test("works with an authority given as a file and as text, by name and by number", async () => {
      await using server = await startNatsServer({ version, config: serverTls("server") });
      await works(server, { tls: { caFile } });
      await works(server, { tls: { ca: await readFile(caFile, "utf8") } });
      await works(server, { tls: { caFile }, servers: `tls://localhost:${server.port}` });
      await works(server, { tls: { caFile }, servers: `localhost:${server.port}` });
    });

    test("carries credentials of every form", async () => {
      const config = `${serverTls("server")}\nauthorization { user: "u", password: "p/w" }`;
      await using server = await startNatsServer({ version, config });
      const servers = `tls://u:p%2Fw@127.0.0.1:${server.port}`;
      await works(server, { tls: { caFile }, user: "u", password: "p/w" });
      await works(server, { tls: { caFile }, servers });
      const wrong = servers.replace("p%2Fw", "s3cret");
      await refusal({ tls: { caFile }, servers: wrong }, "authorization");
    });

    test("is not begun without a trusted certificate, whatever the scheme", async () => {
      await using server = await startNatsServer({ version, config: serverTls("server") });
      const host = `127.0.0.1:${server.port}`;
      for (const options of [
        { servers: `tls://${host}` },
        { servers: `nats://${host}` },
        { servers: host, tls: { caFile: certificateOf("other-ca") } },
      ]) {
        const { hint = "" } = await refusal(options, "tls-failed");
        assert.match(hint, /caFile/);
      }
    });

    test("is refused where the certificate is another host's, or has expired", async () => {
      for (const [name, help] of [
        ["elsewhere", /name or number/],
        ["expired", /clock/],
      ] as const) {
        await using server = await startNatsServer({ version, config: serverTls(name) });
        const servers = `tls://127.0.0.1:${server.port}`;
        const { hint = "" } = await refusal({ servers, tls: { caFile } }, "tls-failed");
        assert.match(hint, help);
      }
    });

    test("goes by the name or number that was dialed, and not by localhost", async () => {
      await using byNumber = await startNatsServer({ version, config: serverTls("by-address") });
      await works(byNumber, { tls: { caFile } });
      const named = `tls://localhost:${byNumber.port}`;
      await refusal({ servers: named, tls: { caFile } }, "tls-failed");
      await using byName = await startNatsServer({ version, config: serverTls("by-name") });
      await works(byName, { tls: { caFile }, servers: `tls://localhost:${byName.port}` });
      const numbered = `tls://127.0.0.1:${byName.port}`;
      await refusal({ servers: numbered, tls: { caFile } }, "tls-failed");
    });

    test("with client certificates works with a trusted one, and fails at once with another or none", async () => {
      const config = serverTls("server", ...wantsClients);
      await using server = await startNatsServer({ version, config });
      await works(server, { tls: { caFile, ...clientTls("client") } });
      const servers = `tls://127.0.0.1:${server.port}`;
      for (const tls of [{ caFile }, { caFile, ...clientTls("stranger") }]) {
        const began = performance.now();
        const { hint = "" } = await refusal({ servers, tls }, "connection-failed");
        assert.match(hint, /client certificate/);
        assert.ok(performance.now() - began < 2_000);
      }
    });

    test("comes first where both sides say so, and fails with a hint where one does not", async () => {
      const config = serverTls("server", handshakeFirst);
      await using first = await startNatsServer({ version, config });
      await works(first, { tls: { caFile, handshakeFirst: true } });
      const servers = `tls://127.0.0.1:${first.port}`;
      const { hint = "" } = await refusal({ servers, tls: { caFile } }, "connection-failed");
      assert.match(hint, /handshakeFirst/);
      await using second = await startNatsServer({ version, config: serverTls("server") });
      const failed = await refusal(
        { servers: `tls://127.0.0.1:${second.port}`, tls: { caFile, handshakeFirst: true } },
        "tls-failed",
      );
      assert.match(failed.hint ?? "", /handshakeFirst/);
    });

    test("is not given up for plaintext, neither at first nor when the server comes back without", async () => {
      const secure = await startNatsServer({ version, config: serverTls("server") });
      await using _ = secure;
      const { port } = secure;
      const servers = `tls://u:s3cret@127.0.0.1:${port}`;
      await using connection = await connect({ servers, tls: { caFile }, random: () => 0 });
      await secure.kill();
      await until("the loss is seen", () => !connection.connected);
      const received: string[] = [];
      const info = { server_id: "X", version, proto: 1, headers: true, max_payload: 1024 };
      await using plain = await listen((socket) => {
        socket.on("data", (data) => received.push(data.toString()));
        socket.write(`INFO ${JSON.stringify(info)}\r\n`);
      }, port);
      await until("it has dialed twice", () => plain.taken > 1);
      assert.equal(connection.connected, false);
      const { hint = "" } = await refusal({ servers, tls: { caFile } }, "tls-failed");
      assert.match(hint, /no TLS/);
      assert.equal(received.join("").includes("s3cret"), false);
      assert.equal(received.join("").includes("CONNECT"), false);
    });
  });
}

describe("TLS", () => {
  test("with a file that cannot be read fails before anything is dialed", async () => {
    await using silent = await listen();
    for (const tls of [
      { caFile: "/nowhere/ca.pem" },
      { certFile: "/nowhere/cert.pem", keyFile: "/nowhere/key.pem" },
    ]) {
      const { message } = await refusal({ servers: silent.address, tls }, "io");
      assert.match(message, /\/nowhere\//);
    }
    assert.equal(silent.taken, 0);
  });

  test("with a certificate that is none says so, and does not show the key", async () => {
    await using server = await startNatsServer({
      version: "2.15.1",
      config: serverTls("server"),
    });
    const tls = { caFile, cert: "nonsense", key: "s3cret" };
    const error = await refusal({ servers: server.url, tls }, "tls-failed");
    assert.match(error.hint ?? "", /PEM/);
    assert.doesNotMatch(`${error.stack} ${String(error.cause)}`, /s3cret/);
  });

  test("that is not to be had is told by a connection that does not wait for a server", async () => {
    await using server = await startNatsServer({ version: "2.15.1" });
    const servers = `tls://127.0.0.1:${server.port}`;
    await using connection = await connect({ servers, waitForServer: false });
    await until("it is told", () =>
      connection
        .bucket("b")
        .info()
        .then(
          () => false,
          (error: unknown) => isMillpondError(error, "tls-failed"),
        ),
    );
  });
});
