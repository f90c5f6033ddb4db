import assert from "node:assert/strict";
import { connect as connectClient, headers } from "@nats-io/transport-node";
import { describe, test } from "node:test";
import { connect } from "../../src/nats/index.js";
import { openReplica } from "../../src/replica/index.js";
import { bytes } from "../support/bucket.js";
import { startNatsServer } from "../support/nats-server.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

describe("what a server lets expire", () => {
  for (const [version, what, config] of [
    ["2.10.27", "by age, without a marker", { maxAgeMs: 2000 }],
    ["2.15.1", "by age, with a marker", { maxAgeMs: 2000, markerTtlMs: 60_000 }],
  ] as const) {
    test(`${what}, goes from a mirroring copy, also without a line, and stays in a retaining one (${version})`, async () => {
      await using directory = await tempDirectory();
      await using server = await startNatsServer({ version });
      await using connection = await connect({ servers: server.url });
      await using cut = await connect({ servers: server.url });
      const source = await connection.createBucket("b", config);
      await source.put("a", bytes("1"));
      const open = (name: string, bucket = source, expiry: "mirror" | "retain" = "mirror") =>
        openReplica({ source: bucket, path: directory.file(name), expiry });
      await using mirroring = await open("mirroring");
      await using retaining = await open("retaining", source, "retain");
      await using apart = await open("apart", cut.bucket("b"));
      for (const replica of [mirroring, retaining, apart]) await replica.ready();
      for (const replica of [mirroring, retaining, apart]) assert.equal(replica.size, 1);
      // The other way round its line would keep it informed.
      await cut.close();
      await until(
        "it is hidden",
        () => mirroring.get("a") === undefined && apart.get("a") === undefined,
      );
      await until("it is removed", () => mirroring.size === 0 && apart.size === 0);
      await until("the server has dropped it", async () => (await source.get("a")) === undefined);
      await retaining.waitFor(await source.put("b", bytes("2")));
      assert.deepEqual(retaining.get("a"), bytes("1"));
      assert.equal(mirroring.status().counters.expired, 1);
      await source.delete("b");
      await until("a delete counts", () => retaining.get("b") === undefined);
    });
  }

  test("by a time to live of its own goes a while after the others' (2.15.1)", async () => {
    await using directory = await tempDirectory();
    await using server = await startNatsServer({ version: "2.15.1" });
    await using connection = await connect({ servers: server.url });
    const source = await connection.createBucket("b", { markerTtlMs: 60_000 });
    await source.put("short", bytes("1"), { ttlMs: 1000 });
    await source.put("long", bytes("1"));
    await using replica = await openReplica({ source, path: directory.file("copy") });
    await replica.ready();
    await until("it is removed", () => replica.size === 1);
    assert.deepEqual(replica.get("long"), bytes("1"));
    assert.equal(replica.status().counters.expired, 1);
  });

  test("leaves what is never to go where it is, beyond the bucket's age limit (2.15.1)", async () => {
    await using directory = await tempDirectory();
    await using server = await startNatsServer({ version: "2.15.1" });
    await using connection = await connect({ servers: server.url });
    const client = await connectClient({ servers: server.url.replace("nats://", "") });
    await using _ = { [Symbol.asyncDispose]: () => client.close() };
    const source = await connection.createBucket("b", { maxAgeMs: 1000, markerTtlMs: 60_000 });
    const header = headers();
    header.set("Nats-TTL", "never");
    await client.request("$KV.b.kept", "1", { headers: header, timeout: 5000 });
    await source.put("gone", bytes("1"));
    await using replica = await openReplica({ source, path: directory.file("copy") });
    await replica.ready();
    await until("the server has dropped the other", async () => {
      return (await source.get("gone")) === undefined && replica.size === 1;
    });
    assert.deepEqual(replica.get("kept"), bytes("1"));
    assert.deepEqual((await source.get("kept"))?.value, bytes("1"));
  });
});
