import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { describe, test } from "node:test";
import { connect } from "../../src/nats/index.js";
import { type CliResult, runCli } from "../support/cli.js";
import { serverVersions, startNatsServer } from "../support/nats-server.js";
import { tempDirectory } from "../support/temp-directory.js";

const [, NEWEST] = serverVersions;

/** A server with the buckets `routes` and `bans`, and a copy of the first. */
async function openScene() {
  const directory = await tempDirectory();
  const server = await startNatsServer({ version: NEWEST });
  const connection = await connect({ servers: server.url });
  for (const name of ["routes", "bans"]) {
    await (await connection.createBucket(name)).put("a", Buffer.from(name));
  }
  const to = directory.file("copy");
  const demo = (name: string, ...more: string[]) =>
    runCli("mirror", name, "--to", to, "--once", "--json", ...more);
  const mirror = (name: string, ...more: string[]) => demo(name, "--nats", server.url, ...more);
  const first = await mirror("routes");
  assert.equal(first.status, 0, first.stderr);
  return {
    to,
    demo,
    mirror,
    valueOf: async (key: string) => (await runCli("get", to, key)).stdout.toString(),
    async [Symbol.asyncDispose]() {
      await connection.close();
      await server[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

function assertRefused({ status, records, stderr }: CliResult, why: RegExp): void {
  assert.equal(status, 2, stderr);
  assert.equal(records.at(-1)?.["code"], "invalid-argument");
  assert.match(stderr, why);
  assert.match(stderr, /--replace/);
}

describe("a mirror over the copy of something else", () => {
  test("without --nats leaves a server's copy alone, and makes nothing beside it", async () => {
    await using scene = await openScene();
    assertRefused(await scene.demo("routes"), /but not of a demo bucket.+\n.+--nats URL/);
    assert.equal(await scene.valueOf("a"), "routes");
    await assert.rejects(stat(`${scene.to}/demo-bucket`));
  });

  test("of another name leaves it alone, unless it is told to replace it", async () => {
    await using scene = await openScene();
    assertRefused(await scene.mirror("bans"), /copy of the bucket routes, not of bans/);
    assert.equal(await scene.valueOf("a"), "routes");
    assert.equal((await scene.mirror("bans", "--replace")).status, 0);
    assert.equal(await scene.valueOf("a"), "bans");
    assert.equal((await scene.mirror("bans")).status, 0);
  });

  test("is a demo's only where it is told to, and a demo bucket beside it does not make it one", async () => {
    await using scene = await openScene();
    const replaced = await scene.demo("routes", "--replace");
    assert.equal(replaced.status, 0, replaced.stderr);
    assert.equal((await scene.demo("routes")).status, 0);
    assert.equal((await scene.mirror("routes")).status, 0);
    assert.equal(await scene.valueOf("a"), "routes");
    assertRefused(await scene.demo("routes"), /a copy of another bucket, routes, made /);
    assert.equal(await scene.valueOf("a"), "routes");
  });
});
