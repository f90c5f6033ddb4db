import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import type { KvStore } from "../../src/kv/index.js";
import { connect } from "../../src/nats/index.js";
import { runCli, startCli, startCliWithSmallFiles } from "../support/cli.js";
import {
  type NatsServer,
  serverVersions,
  type ServerVersion,
  startNatsServer,
} from "../support/nats-server.js";
import { tempDirectory, type TempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

const [, NEWEST] = serverVersions;

/** A server with the bucket `routes`, an empty directory, and the words that mirror the one into the other. */
interface Scene extends AsyncDisposable {
  readonly server: NatsServer;
  readonly bucket: KvStore;
  readonly directory: TempDirectory;
  readonly mirror: readonly string[];
}

async function openScene(version: ServerVersion = NEWEST): Promise<Scene> {
  const directory = await tempDirectory();
  const server = await startNatsServer({ version });
  const connection = await connect({ servers: server.url });
  return {
    server,
    bucket: await connection.createBucket("routes"),
    directory,
    mirror: ["mirror", "routes", "--to", directory.path, "--nats", server.url, "--json"],
    async [Symbol.asyncDispose]() {
      await connection.close();
      await server[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

describe("mirror on a server", () => {
  for (const version of serverVersions) {
    test(`copies only the prefixes, once, then only what changed (${version})`, async () => {
      await using scene = await openScene(version);
      const { bucket, directory } = scene;
      const argv = [...scene.mirror, "--once", "--prefix", "edge.", "--prefix", "core."];
      for (const key of ["edge.a", "edge.b", "core.a", "other.a"]) {
        await bucket.put(key, Buffer.from(key));
      }
      const first = await runCli(...argv);
      assert.equal(first.status, 0, first.stderr);
      const ready = first.records.find(({ event }) => event === "ready");
      assert.equal(ready?.["keys"], 3);
      assert.equal(ready["resumed"], false);

      await bucket.delete("edge.b");
      await bucket.put("other.a", Buffer.from("unseen"));
      const second = await runCli(...argv);
      const resumed = second.records.find(({ event }) => event === "ready");
      assert.equal(resumed?.["resumed"], true);
      assert.equal(resumed["received"], 1);
      const listed = await runCli("ls", directory.path, "--json");
      const keys = listed.records.map(({ key }) => key);
      assert.deepEqual(keys, ["core.a", "edge.a"]);
    });
  }

  test("get and ls see what a running mirror has written", async () => {
    await using scene = await openScene();
    await using running = startCli(...scene.mirror);
    await running.event("ready");
    await scene.bucket.put("edge.a", Buffer.of(0, 255, 10));
    const found = await until("the new key in the copy", async () => {
      const result = await runCli("get", scene.directory.path, "edge.a");
      return result.status === 0 && result;
    });
    assert.deepEqual(found.stdout, Buffer.of(0, 255, 10));
    const listed = await runCli("ls", scene.directory.path, "--json");
    assert.deepEqual(listed.records, [{ key: "edge.a", revision: 1, size: 3 }]);
  });

  test("goes on after the server was killed and came back", async () => {
    await using scene = await openScene();
    await using running = startCli(...scene.mirror);
    await running.event("ready");
    await scene.server.kill();
    await scene.server.restart();
    await until("a write after the restart", () =>
      scene.bucket.put("edge.a", Buffer.from("after")).catch(() => undefined),
    );
    await until("the write in the copy", async () => {
      return (await runCli("get", scene.directory.path, "edge.a")).status === 0;
    });
    assert.equal(running.child.exitCode, null);
  });

  test("goes on when its file cannot grow, says so, and keeps what it had", async () => {
    await using scene = await openScene();
    const { bucket, directory } = scene;
    await bucket.put("small", Buffer.from("kept"));
    await using running = startCliWithSmallFiles(64, ...scene.mirror);
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

/** The error's code, having checked that a person gets a hint and no stack trace. */
async function failureOf(...argv: readonly string[]): Promise<unknown> {
  const result = await runCli(...argv, "--once");
  assert.notEqual(result.status, 0);
  assert.match(result.stderr, /millpond: [a-z-]+: .+\n {2}.+/);
  assert.doesNotMatch(result.stderr, /\n\s+at /);
  const error = result.records.find(({ event }) => event === "error");
  assert.ok(error !== undefined, result.stderr);
  return error["code"];
}

describe("a mirror that cannot start", () => {
  test("says which of bucket, prefix, directory, credentials file or server it is", async () => {
    await using scene = await openScene();
    const { server, directory, mirror } = scene;
    const into = (bucket: string, to: string): string[] => [
      "mirror",
      bucket,
      "--to",
      to,
      "--nats",
      server.url,
      "--json",
    ];
    const file = directory.file("file");
    await writeFile(file, "");
    assert.equal(await failureOf(...into("missing", directory.path)), "bucket-not-found");
    assert.equal(await failureOf(...into("not a name", directory.path)), "invalid-argument");
    assert.equal(await failureOf(...into("routes", file)), "io");
    assert.equal(await failureOf(...mirror, "--prefix", "a.*"), "invalid-key");
    assert.equal(await failureOf(...mirror, "--creds", directory.file("none")), "io");
    await server.kill();
    assert.equal(await failureOf(...mirror), "connection-failed");
  });

  test("with wrong credentials says so and shows no secret", async () => {
    await using directory = await tempDirectory();
    const config = 'authorization { user: "mill", password: "grain" }';
    await using server = await startNatsServer({ version: NEWEST, config });
    const url = server.url.replace("nats://", "nats://mill:s3cret@");
    const argv = ["mirror", "routes", "--to", directory.path, "--nats", url, "--json", "--verbose"];
    const result = await runCli(...argv);
    assert.equal(result.status, 1);
    assert.equal(result.records[0]?.["code"], "authorization");
    assert.doesNotMatch(result.stderr + result.stdout.toString(), /s3cret/);
  });
});
