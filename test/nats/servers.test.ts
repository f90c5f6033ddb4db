import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { parseServers } from "../../src/nats/servers.js";
import { requireServer, supportsTtl } from "../../src/nats/server-version.js";

describe("a server's address", () => {
  test("is a host with or without scheme and port", () => {
    const { hosts, tls, login } = parseServers([
      "nats://a:4333",
      "b",
      "c:80",
      "nats://d:80/",
      "[::1]:4222",
    ]);
    assert.deepEqual(hosts, ["a:4333", "b:4222", "c:80", "d:80", "[::1]:4222"]);
    assert.deepEqual([tls, login], [false, undefined]);
  });

  test("may be one of several in one string", () => {
    assert.deepEqual(parseServers("nats://a, nats://b:1").hosts, ["a:4222", "b:1"]);
  });

  test("with tls:// asks for TLS, wherever it stands", () => {
    assert.equal(parseServers(["nats://a", "tls://b"]).tls, true);
  });

  test("gives user and password percent-decoded, and a token where there is no password", () => {
    assert.deepEqual(parseServers("nats://us%40er:p%3Aa%2Fss@a").login, {
      kind: "user",
      user: "us@er",
      password: "p:a/ss",
    });
    assert.deepEqual(parseServers("nats://s3cret@a").login, { kind: "token", token: "s3cret" });
    assert.deepEqual(parseServers(["nats://u:p@a", "nats://b", "nats://u:p@c"]).hosts, [
      "a:4222",
      "b:4222",
      "c:4222",
    ]);
  });

  test("that cannot be used is refused without being quoted", () => {
    for (const wrong of [
      "http://u:s3cret@a",
      "ws://u:s3cret@a",
      "nats://u:s3cret@",
      "nats://u:s3cret@a:99999",
      "nats://u:s3cret@a/path",
      "nats://u:s3cret%@a",
      "nats://s3cret#x@a",
      "nats://u:12#s3cret@a",
      "s3cret#x@a",
      "",
    ]) {
      assert.throws(
        () => parseServers(wrong),
        (error) => isMillpondError(error, "invalid-argument") && !error.message.includes("s3cret"),
        wrong,
      );
    }
    assert.throws(
      () => parseServers(["nats://u:s3cret@a", "nats://v:s3cret@b"]),
      (error) => isMillpondError(error, "invalid-argument") && !error.message.includes("s3cret"),
    );
    assert.throws(
      () => parseServers([]),
      (error) => isMillpondError(error, "invalid-argument"),
    );
  });
});

describe("a server's version", () => {
  test("below 2.10 is refused, whatever its suffix", () => {
    for (const version of ["2.9.10", "2.9.25-beta.1", "1.4.1", "0.0.0", "", "unknown"]) {
      assert.throws(
        () => requireServer(version),
        (error) => isMillpondError(error, "server-too-old") && error.hint !== undefined,
        version,
      );
    }
  });

  test("from 2.10 on is taken, development versions included", () => {
    for (const version of ["2.10.0", "2.10.0-RC.1", "2.11.0-dev", "v2.12.1", "2.100.0", "3.0.0"]) {
      requireServer(version);
    }
  });

  test("from 2.11 on has times to live", () => {
    assert.equal(supportsTtl(requireServer("2.10.27")), false);
    assert.equal(supportsTtl(requireServer("2.11.0-dev")), true);
    assert.equal(supportsTtl(requireServer("3.0.0")), true);
  });
});
