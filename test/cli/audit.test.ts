import assert from "node:assert/strict";
import { connect as connectClient } from "@nats-io/transport-node";
import { copyFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { connect } from "../../src/nats/index.js";
import { type CliResult, runCli } from "../support/cli.js";
import { callApi } from "../support/nats-harness.js";
import { serverVersions, startNatsServer } from "../support/nats-server.js";
import { tempDirectory } from "../support/temp-directory.js";

const [, NEWEST] = serverVersions;

async function openScene() {
  const directory = await tempDirectory();
  const server = await startNatsServer({ version: NEWEST });
  const connection = await connect({ servers: server.url });
  const client = await connectClient({ servers: server.url.replace("nats://", "") });
  const to = directory.file("copy");
  const bucket = await connection.createBucket("routes");
  const mirrored = ["routes", "--nats", server.url, "--json"];
  return {
    bucket,
    to,
    url: server.url,
    connection,
    client,
    mirror: (...more: string[]) => runCli("mirror", ...mirrored, "--to", to, "--once", ...more),
    audit: (...more: string[]) => runCli("audit", ...mirrored, "--path", to, ...more),
    async [Symbol.asyncDispose]() {
      await client.close();
      await connection.close();
      await server[Symbol.asyncDispose]();
      await directory[Symbol.asyncDispose]();
    },
  };
}

/** The last line, which is the verdict. */
function verdictOf({ records, stderr }: CliResult): Readonly<Record<string, unknown>> {
  const last = records.at(-1);
  assert.ok(last !== undefined, stderr);
  return last;
}

describe("audit", () => {
  test("of a copy that is the bucket ends with 0, of one that is behind too, and says so", async () => {
    await using scene = await openScene();
    const { bucket } = scene;
    for (const key of ["edge.a", "edge.b", "core.a"]) await bucket.put(key, Buffer.from(key));
    await bucket.delete("edge.b");
    assert.equal((await scene.mirror("--prefix", "edge.")).status, 0);
    const equal = await scene.audit();
    assert.equal(equal.status, 0, equal.stderr);
    const { event, entries, records, behind } = verdictOf(equal);
    assert.deepEqual([event, entries, records, behind], ["audited", 1, 2, 0]);

    await bucket.put("edge.a", Buffer.from("later"));
    await bucket.put("edge.new", Buffer.from("later"));
    await bucket.put("core.a", Buffer.from("not followed"));
    const later = await scene.audit();
    assert.equal(later.status, 0, later.stderr);
    assert.equal(verdictOf(later)["behind"], 2);
  });

  test("of a copy that differs ends with 1, names the keys and mends nothing", async () => {
    await using scene = await openScene();
    const { bucket, client } = scene;
    for (const key of ["a", "b", "c"]) await bucket.put(key, Buffer.from(key));
    assert.equal((await scene.mirror()).status, 0);
    await callApi(client, "STREAM.PURGE.KV_routes", { filter: "$KV.routes.b" });
    for (let again = 0; again < 2; again += 1) {
      const differs = await scene.audit();
      assert.equal(differs.status, 1, differs.stderr);
      assert.deepEqual(differs.records[0], {
        event: "differs",
        key: "b",
        verdict: "extra",
        copy: 2,
        bucket: null,
      });
      const { equal, extra, missing, stale } = verdictOf(differs);
      assert.deepEqual([equal, extra, missing, stale], [false, 1, 0, 0]);
    }
  });

  test("of the copy of a bucket that was made again says that it is another's", async () => {
    await using scene = await openScene();
    const { bucket, client, connection } = scene;
    await bucket.put("a", Buffer.from("1"));
    assert.equal((await scene.mirror()).status, 0);
    await callApi(client, "STREAM.DELETE.KV_routes");
    await connection.createBucket("routes");
    const result = await scene.audit();
    assert.equal(result.status, 1);
    assert.equal(verdictOf(result)["code"], "cursor-expired");
  });

  test("of a copy of format 2 knows by the file beside it whose copy it is", async () => {
    await using scene = await openScene();
    const { bucket, connection, to, url } = scene;
    const other = await connection.createBucket("other");
    for (const each of [bucket, other]) await each.put("edge.a", Buffer.from("1"));
    await bucket.put("core.a", Buffer.from("1"));
    const mirrored = await scene.mirror("--format", "2", "--prefix", "edge.");
    assert.equal(mirrored.status, 0, mirrored.stderr);
    const right = await scene.audit();
    assert.equal(right.status, 0, right.stderr);
    assert.deepEqual([verdictOf(right)["entries"], verdictOf(right)["identified"]], [1, true]);
    const server = ["--nats", url, "--json"];
    for (const path of [to, `${to}/copy.snap`]) {
      const wrong = await runCli("audit", "other", "--path", path, ...server);
      assert.equal(wrong.status, 1);
      assert.equal(verdictOf(wrong)["code"], "cursor-expired");
      assert.match(wrong.stderr, /is the copy of bucket routes/);
    }

    const bare = `${to}/elsewhere.snap`;
    await copyFile(`${to}/copy.snap`, bare);
    const unknown = await runCli("audit", "routes", "--path", bare, ...server, "--prefix", "edge.");
    assert.equal(unknown.status, 0, unknown.stderr);
    assert.equal(verdictOf(unknown)["identified"], false);
    assert.match(unknown.stderr, /does not say which bucket it is a copy of/);
  });

  test("refuses a prefix other than what the copy says that it follows", async () => {
    await using scene = await openScene();
    await scene.bucket.put("edge.a", Buffer.from("1"));
    await scene.bucket.put("core.a", Buffer.from("1"));
    assert.equal((await scene.mirror("--prefix", "edge.")).status, 0);
    assert.equal((await scene.audit("--prefix", "edge.", "--prefix", "edge.a")).status, 0);
    for (const prefixes of [["edge.a"], ["edge.", "core."], ["core."]]) {
      const refused = await scene.audit(...prefixes.flatMap((prefix) => ["--prefix", prefix]));
      assert.equal(refused.status, 2, refused.stderr);
      assert.equal(verdictOf(refused)["code"], "invalid-argument");
      assert.match(refused.stderr, /follows edge\., as it says itself/);
    }
  });

  test("without a server, a path or a copy makes no sense, and says which", async () => {
    await using directory = await tempDirectory();
    const noServer = await runCli("audit", "routes", "--path", directory.path);
    assert.equal(noServer.status, 2);
    assert.match(noServer.stderr, /--nats URL is missing/);
    const noPath = await runCli("audit", "routes", "--nats", "nats://127.0.0.1:1");
    assert.match(noPath.stderr, /--path DIR is missing/);
    const noCopy = await runCli(
      "audit",
      "routes",
      "--path",
      directory.path,
      "--nats",
      "nats://127.0.0.1:1",
    );
    assert.equal(noCopy.status, 1);
    assert.match(noCopy.stderr, /holds no copy/);
  });
});
