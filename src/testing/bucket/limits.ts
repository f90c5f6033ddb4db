import assert from "node:assert/strict";
import { isMillpondError } from "../../errors/index.js";
import { allKeys, type KvStore } from "../../kv/index.js";
import { Flow } from "./flow.js";
import type { Scenarios } from "./harness.js";
import { bytes, collect, refuses, sortedKeys, text } from "./support.js";

const KIB = 1024;

export const limits: Scenarios = {
  "history keeps so many records a key": async ({ make }) => {
    const bucket = await make({ history: 3 });
    for (let index = 1; index <= 5; index += 1) await bucket.put("a", bytes(String(index)));
    await bucket.put("b", bytes("1"));
    const { records, firstSequence, lastSequence } = await bucket.info();
    assert.deepEqual([records, firstSequence, lastSequence], [4, 3n, 6n]);
    await using flow = await Flow.open(bucket, allKeys);
    assert.deepEqual((await flow.untilCaughtUp()).story, ["a=5", "b=1"]);
  },

  "purge drops the key's history, whose bytes are free again": async ({ make }) => {
    const bucket = await make({ history: 5 });
    for (let index = 0; index < 5; index += 1) await bucket.put("a", new Uint8Array(10 * KIB));
    await bucket.put("b", bytes("1"));
    const before = await bucket.info();
    await bucket.purge("a");
    const after = await bucket.info();
    assert.deepEqual([before.records, after.records], [6, 2]);
    assert.ok(before.bytes - after.bytes > 49 * KIB, `${before.bytes} -> ${after.bytes}`);
    assert.equal(after.firstSequence, 6n);
  },

  "a full bucket that discards new records refuses every write that adds one": async ({ make }) => {
    const bucket = await make({ maxBytes: 20 * KIB, discard: "new", history: 2 });
    await fill(bucket);
    await refuses("bucket-full", () => bucket.put("another", new Uint8Array(KIB)));
    await refuses("bucket-full", () => bucket.put("k0", new Uint8Array(KIB)));
    await refuses("bucket-full", () => bucket.purge("k0"));
    await refuses("bucket-full", () => bucket.delete("k0"));
    assert.equal((await bucket.get("k0"))?.value.length, KIB);
    assert.equal((await bucket.info()).firstSequence, 1n);
  },

  // Seen on 2.10.27 and 2.15.1. They differ where both records have the same size: 2.10 refuses.
  "a full bucket takes a smaller record in the place of the one that it replaces, not a larger":
    async ({ make }) => {
      const bucket = await make({ maxBytes: 20 * KIB, discard: "new" });
      await fill(bucket);
      await refuses("bucket-full", () => bucket.put("k0", new Uint8Array(2 * KIB)));
      await bucket.put("k0", new Uint8Array(KIB / 2));
      await bucket.delete("k1");
      await bucket.purge("k2");
      assert.equal((await bucket.get("k0"))?.value.length, KIB / 2);
      assert.equal(await bucket.get("k1"), undefined);
    },

  "a full bucket takes writes again once there is room": async ({ make, operator }) => {
    const bucket = await make({ maxBytes: 20 * KIB, discard: "new" });
    await fill(bucket);
    await operator.evictBefore(bucket.name, 6n);
    await bucket.put("another", new Uint8Array(KIB));
    assert.equal((await bucket.get("another"))?.value.length, KIB);
  },

  "refusing new records is the default": async ({ make }) => {
    const bucket = await make({ maxBytes: 4 * KIB });
    await refuses("bucket-full", () => bucket.put("a", new Uint8Array(5 * KIB)));
  },

  "a full bucket that discards old records forgets from the front": async ({ make }) => {
    const bucket = await make({ maxBytes: 20 * KIB, discard: "old" });
    for (let index = 0; index < 100; index += 1) await bucket.put(`k${index}`, new Uint8Array(KIB));
    const { firstSequence, lastSequence, records, bytes: size } = await bucket.info();
    assert.equal(lastSequence, 100n);
    assert.ok(firstSequence > 75n && size <= 20 * KIB, `first ${firstSequence}, ${size} bytes`);
    assert.equal(BigInt(records), lastSequence - firstSequence + 1n);
    assert.equal(await bucket.get("k0"), undefined);
    assert.equal((await bucket.get("k99"))?.value.length, KIB);
    assert.equal((await sortedKeys(bucket)).length, records);
  },

  "an age limit drops records and tells no watch": async ({ make }) => {
    const bucket = await make({ maxAgeMs: 1000 });
    await using flow = await Flow.open(bucket, allKeys);
    await flow.untilCaughtUp();
    await bucket.put("a", bytes("1"));
    await flow.untilUpdates(1);
    await eventually("the record is gone", async () => (await bucket.info()).records === 0);
    assert.equal(await bucket.entry("a"), undefined);
    const { firstSequence, lastSequence } = await bucket.info();
    assert.deepEqual([firstSequence, lastSequence], [2n, 1n]);
    await bucket.put("b", bytes("2"));
    assert.deepEqual((await flow.untilUpdates(2)).story, ["a=1", "b=2"]);
  },

  "info describes the bucket": async ({ make }) => {
    const bucket = await make();
    const empty = await bucket.info();
    assert.deepEqual(
      [empty.name, empty.firstSequence, empty.lastSequence, empty.records, empty.bytes],
      [bucket.name, 1n, 0n, 0, 0],
    );
    assert.ok(!Number.isNaN(Date.parse(empty.created)), empty.created);
    await bucket.put("a", bytes("1"));
    await bucket.put("b", bytes("1"));
    await bucket.delete("a");
    const full = await bucket.info();
    assert.deepEqual([full.firstSequence, full.lastSequence, full.records], [2n, 3n, 2]);
    assert.ok(full.bytes > 0);
    assert.equal(full.created, empty.created);
  },

  "a bucket that lost all its records begins after its last sequence": async ({
    make,
    operator,
  }) => {
    const bucket = await make();
    await bucket.put("a", bytes("1"));
    await bucket.put("b", bytes("1"));
    await operator.evictBefore(bucket.name, 3n);
    const { firstSequence, lastSequence, records } = await bucket.info();
    assert.deepEqual([firstSequence, lastSequence, records], [3n, 2n, 0]);
  },

  "a time to live is refused where the bucket or the server does not allow it": async (scene) => {
    const bucket = await scene.make();
    await refuses("operation-failed", () => bucket.put("a", bytes("1"), { ttlMs: 1000 }));
    await refuses("operation-failed", () => bucket.create("a", bytes("1"), { ttlMs: 1000 }));
    assert.equal(await bucket.entry("a"), undefined);
    if (!scene.connection.capabilities.ttl) {
      await refuses("operation-failed", () => scene.make({ markerTtlMs: 1000 }));
    }
  },

  "a value with a time to live is deleted when that is over, and watches are told": async ({
    make,
    connection,
  }) => {
    if (!connection.capabilities.ttl) {
      await refuses("operation-failed", () => make({ markerTtlMs: 60_000 }));
      return;
    }
    const bucket = await make({ markerTtlMs: 60_000 });
    for (const ttlMs of [0, 999, 1500, -1000, Number.NaN]) {
      await refuses("invalid-argument", () => bucket.put("a", bytes("1"), { ttlMs }));
    }
    await using flow = await Flow.open(bucket, allKeys);
    await bucket.put("a", bytes("1"), { ttlMs: 1000 });
    await bucket.put("b", bytes("1"));
    await bucket.create("c", bytes("1"), { ttlMs: 1000 });
    assert.equal(text((await bucket.get("a"))?.value), "1");
    await flow.untilUpdates(5);
    assert.deepEqual(flow.story.toSorted(), ["-a", "-c", "a=1", "b=1", "c=1"]);
    // A source that tells when a record was stored also tells how long it lives.
    for (const update of flow.updates) {
      if (update.kind !== "put" || update.timeMs === undefined) continue;
      assert.equal(update.ttlMs, update.key === "b" ? undefined : 1000);
    }
    assert.equal(await bucket.get("a"), undefined);
    assert.deepEqual(await sortedKeys(bucket), ["b"]);
    const removals = flow.updates.filter(({ kind }) => kind !== "put");
    const entry = await bucket.entry("a");
    const head = (await collect(bucket.records(allKeys))).find(({ key }) => key === "a");
    for (const removal of [...removals, entry, head]) {
      assert.ok(removal !== undefined && removal.kind !== "put");
      assert.deepEqual([removal.kind, removal.reason], ["delete", "expired"]);
    }
    await bucket.create("a", bytes("2"), { ttlMs: 60_000 });
    assert.equal((await bucket.get("a"))?.ttlMs, 60_000);
    assert.equal((await bucket.entry("a"))?.ttlMs, 60_000);
    assert.equal((await collect(bucket.scan("a")))[0]?.ttlMs, 60_000);
  },
};

/** Fills the bucket until not even an empty value of a one-letter key fits. */
async function fill(bucket: KvStore): Promise<void> {
  let index = 0;
  for (const size of [KIB, 100, 10, 0]) {
    try {
      for (; index < 1000; index += 1) await bucket.put(`k${index}`, new Uint8Array(size));
      assert.fail("the bucket is never full");
    } catch (error) {
      assert.ok(isMillpondError(error, "bucket-full"), String(error));
    }
  }
}

async function eventually(what: string, condition: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 20_000;
  while (!(await condition())) {
    assert.ok(performance.now() < end, `never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
