import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { headers } from "@nats-io/nats-core";
import { connect as connectClient } from "@nats-io/transport-node";
import { allKeys } from "../../src/kv/index.js";
import { connect } from "../../src/nats/index.js";
import { Flow } from "../../src/testing/bucket/flow.js";
import { collect } from "../../src/testing/bucket/support.js";
import { bytes } from "../support/bucket.js";
import { startNatsServer } from "../support/nats-server.js";

describe("removals of every kind, on 2.15.1", () => {
  test("are removals with their reason to a watch, a listing and a reader alike", async () => {
    await using server = await startNatsServer({ version: "2.15.1" });
    await using client = await connectClient({ port: server.port });
    await using connection = await connect({ servers: server.url, emptyValueIsDelete: true });
    const bucket = await connection.createBucket("b", { markerTtlMs: 60_000 });
    // By itself this server writes the one of expiry only; they are told from values by their header alone.
    const mark = async (key: string, reason: string): Promise<void> => {
      const marker = headers();
      marker.set("Nats-Marker-Reason", reason);
      await client.request(`$KV.b.${key}`, new Uint8Array(0), { headers: marker, timeout: 5000 });
    };
    await using flow = await Flow.open(bucket, allKeys, { sweeps: true });
    await flow.untilCaughtUp();
    const keys = ["deleted", "purged", "expired", "removed", "cleared", "emptied"];
    for (const key of keys) {
      await bucket.put(key, bytes("1"), key === "expired" ? { ttlMs: 1000 } : {});
    }
    await bucket.delete("deleted");
    await bucket.purge("purged");
    await mark("removed", "Remove");
    await mark("cleared", "Purge");
    await bucket.put("emptied", new Uint8Array(0));
    const expected = [
      "cleared purge removed",
      "deleted delete deleted",
      "emptied delete emptied",
      "expired delete expired",
      "purged purge purged",
      "removed delete removed",
    ];
    const told = (): string[] =>
      flow.updates
        .filter((update) => update.kind !== "put")
        .map(({ key, kind, reason }) => `${key} ${kind} ${reason}`)
        .toSorted();
    await flow.until("six removals", () => told().length === expected.length);
    assert.deepEqual(told(), expected);
    assert.deepEqual([...flow.copy], []);
    const listed = await collect(bucket.records(allKeys));
    assert.deepEqual(
      listed.map(({ key, kind, reason }) => `${key} ${kind} ${reason}`).toSorted(),
      expected,
    );
    for (const { key, kind, reason, version } of listed) {
      const entry = await bucket.entry(key);
      assert.deepEqual([entry?.kind, entry?.reason, entry?.version], [kind, reason, version]);
      assert.equal(await bucket.get(key), undefined);
    }
    assert.deepEqual(await collect(bucket.keys()), []);
    assert.equal(await bucket.countRecords(allKeys), expected.length);
    // The markers of the server go away in their time; a copy may want to know when.
    assert.equal(listed.find(({ key }) => key === "expired")?.ttlMs, 60_000);
  });

  test("an age limit leaves markers where the bucket is made for them", async () => {
    await using server = await startNatsServer({ version: "2.15.1" });
    await using connection = await connect({ servers: server.url });
    const bucket = await connection.createBucket("b", { maxAgeMs: 1000, markerTtlMs: 60_000 });
    await using flow = await Flow.open(bucket, allKeys, { sweeps: true });
    await bucket.put("a", bytes("1"));
    await flow.untilUpdates(2);
    const [, removal] = flow.updates;
    assert.deepEqual(
      [removal?.key, removal?.kind, removal?.kind !== "put" && removal?.reason],
      ["a", "delete", "expired"],
    );
  });
});
