import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { connect, type NatsConnection } from "../../src/nats/index.js";
import { runCli, startCli, startCliWithSmallFiles } from "../support/cli.js";
import { type NatsServer, serverVersions, startNatsServer } from "../support/nats-server.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

const [, NEWEST] = serverVersions;

async function withBucket(
  server: NatsServer,
  use: (connection: NatsConnection) => Promise<void>,
): Promise<void> {
  await using connection = await connect({ servers: server.url });
  await connection.createBucket("routes");
  await use(connection);
}

describe("mirror on a server", () => {
  for (const version of serverVersions) {
    test(`copies only the prefixes, once, then only what changed (${version})`, async () => {
      await using directory = await tempDirectory();
      await using server = await startNatsServer({ version });
      await withBucket(server, async (connection) => {
        const bucket = connection.bucket("routes");
        for (const key of ["edge.a", "edge.b", "core.a", "other.a"])
          await bucket.put(key, Buffer.from(key));
        const argv = [
          "mirror",
          "routes",
          "--to",
          directory.path,
          "--nats",
          server.url,
          "--once",
          "--json",
        ];
        const scoped = [...argv, "--prefix", "edge.", "--prefix", "core."];

        const first = await runCli(...scoped);
        assert.equal(first.status, 0, first.stderr);
        const ready = first.records.find(({ event }) => event === "ready");
        assert.equal(ready?.["keys"], 3);
        assert.equal(ready["resumed"], false);

        await bucket.delete("edge.b");
        await bucket.put("other.a", Buffer.from("unseen"));
        const second = await runCli(...scoped);
        const resumed = second.records.find(({ event }) => event === "ready");
        assert.equal(resumed?.["resumed"], true);
        assert.equal(resumed["received"], 1);
        const listed = await runCli("ls", directory.path, "--json");
        assert.deepEqual(
          listed.records.map(({ key }) => key),
          ["core.a", "edge.a"],
        );
      });
    });
  }

  test("get and ls see what a running mirror has written", async () => {
    await using directory = await tempDirectory();
    await using server = await startNatsServer({ version: NEWEST });
    await withBucket(server, async (connection) => {
      await using running = startCli(
        "mirror",
        "routes",
        "--to",
        directory.path,
        "--nats",
        server.url,
        "--json",
      );
      await running.event("ready");
      await connection.bucket("routes").put("edge.a", Buffer.of(0, 255, 10));
      const found = await until("the new key in the copy", async () => {
        const result = await runCli("get", directory.path, "edge.a");
        return result.status === 0 && result;
      });
      assert.deepEqual(found.stdout, Buffer.of(0, 255, 10));
    });
  });

  test("goes on after the server was killed and came back", async () => {
    await using directory = await tempDirectory();
    await using server = await startNatsServer({ version: NEWEST });
    await withBucket(server, async () => undefined);
    await using running = startCli(
      "mirror",
      "routes",
      "--to",
      directory.path,
      "--nats",
      server.url,
      "--json",
    );
    await running.event("ready");
    await server.kill();
    await server.restart();
    await withBucket(server, async (connection) => {
      await connection.bucket("routes").put("edge.a", Buffer.from("after"));
      await until(
        "the write after the restart",
        async () => (await runCli("get", directory.path, "edge.a")).status === 0,
      );
    });
    assert.equal(running.child.exitCode, null);
  });

  test("goes on when its file cannot grow, says so, and keeps what it had", async () => {
    await using directory = await tempDirectory();
    await using server = await startNatsServer({ version: NEWEST });
    await withBucket(server, async (connection) => {
      const bucket = connection.bucket("routes");
      await bucket.put("small", Buffer.from("kept"));
      await using running = startCliWithSmallFiles(
        64,
        "mirror",
        "routes",
        "--to",
        directory.path,
        "--nats",
        server.url,
        "--json",
      );
      await running.event("ready");
      await bucket.put("large", Buffer.alloc(100_000, 1));
      const failed = await running.event("store-failed");
      assert.equal(failed["code"], "io");
      assert.equal(running.child.exitCode, null);
      const verified = await runCli("verify", directory.file("copy.snap"), "--json");
      assert.equal(verified.status, 0);
      assert.equal((await runCli("get", directory.path, "small")).stdout.toString(), "kept");
    });
  });
});

/** The error's code, having checked that a person gets a hint and no stack trace. */
async function failure(...argv: string[]): Promise<unknown> {
  const result = await runCli("mirror", ...argv, "--once", "--json");
  assert.equal(result.status === 0, false);
  assert.match(result.stderr, /millpond: [a-z-]+: .+\n {2}.+/);
  assert.doesNotMatch(result.stderr, /\n\s+at /);
  const error = result.records.find(({ event }) => event === "error");
  assert.ok(error !== undefined, result.stderr);
  return error["code"];
}

describe("a mirror that cannot start", () => {
  test("says which of server, bucket, prefix or directory it is", async () => {
    await using directory = await tempDirectory();
    const to = directory.file("copy");
    const file = directory.file("file");
    await writeFile(file, "");
    let gone: string;
    {
      await using server = await startNatsServer({ version: NEWEST });
      gone = server.url;
      await withBucket(server, async () => undefined);
      const { url } = server;
      assert.equal(await failure("missing", "--to", to, "--nats", url), "bucket-not-found");
      assert.equal(
        await failure("routes", "--to", to, "--nats", url, "--prefix", "a.*"),
        "invalid-key",
      );
      assert.equal(await failure("routes", "--to", file, "--nats", url), "io");
      assert.equal(await failure("not a name", "--to", to, "--nats", url), "invalid-argument");
      assert.equal(
        await failure("routes", "--to", to, "--nats", url, "--creds", directory.file("none")),
        "io",
      );
    }
    assert.equal(await failure("routes", "--to", to, "--nats", gone), "connection-failed");
  });

  test("with wrong credentials says so and shows no secret", async () => {
    await using directory = await tempDirectory();
    const config = 'authorization { user: "mill", password: "grain" }';
    await using server = await startNatsServer({ version: NEWEST, config });
    const url = server.url.replace("nats://", "nats://mill:s3cret@");
    const result = await runCli(
      "mirror",
      "routes",
      "--to",
      directory.path,
      "--nats",
      url,
      "--json",
      "--verbose",
    );
    assert.equal(result.status, 1);
    assert.equal(result.records[0]?.["code"], "authorization");
    assert.doesNotMatch(result.stderr + result.stdout.toString(), /s3cret/);
  });
});
