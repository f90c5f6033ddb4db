import assert from "node:assert/strict";
import { isMillpondError } from "../../errors/index.js";
import { allKeys, type KvStore } from "../../kv/index.js";
import { WatchCursor } from "../../values/index.js";
import { Flow, watchError, within } from "./flow.js";
import type { Scenarios } from "./harness.js";
import { bytes, cursorAt, putMany } from "./support.js";

const KIB = 1024;

export const resuming: Scenarios = {
  "a watch from a cursor delivers what came after it and nothing else": async ({ make }) => {
    const bucket = await make();
    await bucket.put("a", bytes("1"));
    const cursor = cursorAt(await bucket.put("b", bytes("1")));
    await bucket.put("c", bytes("1"));
    await bucket.delete("b");
    await using flow = await Flow.open(bucket, allKeys, { from: cursor });
    assert.deepEqual((await flow.untilCaughtUp()).story, ["c=1", "-b"]);
    await bucket.put("d", bytes("1"));
    assert.deepEqual((await flow.untilUpdates(3)).story, ["c=1", "-b", "d=1"]);
  },

  "every record after the cursor is delivered where the bucket keeps a history": async ({
    make,
  }) => {
    const bucket = await make({ history: 5 });
    const cursor = cursorAt(await bucket.put("a", bytes("1")));
    for (const value of ["2", "3", "4"]) await bucket.put("a", bytes(value));
    await using flow = await Flow.open(bucket, allKeys, { from: cursor });
    assert.deepEqual((await flow.untilCaughtUp()).story, ["a=2", "a=3", "a=4"]);
  },

  "a watch from a cursor keeps to its scope": async ({ make }) => {
    const bucket = await make();
    const cursor = cursorAt(await bucket.put("in.a", bytes("1")));
    for (const key of ["out", "in.b", "also.c", "in.a"]) await bucket.put(key, bytes("2"));
    await using one = await Flow.open(bucket, { kind: "prefix", prefix: "in." }, { from: cursor });
    const scope = { kind: "prefixes", prefixes: ["in.", "also."] } as const;
    await using two = await Flow.open(bucket, scope, { from: cursor });
    assert.deepEqual((await one.untilCaughtUp()).story, ["in.b=2", "in.a=2"]);
    assert.deepEqual((await two.untilCaughtUp()).story, ["in.b=2", "also.c=2", "in.a=2"]);
  },

  "a watch from the newest position delivers nothing, has caught up, and goes on": async ({
    make,
  }) => {
    const bucket = await make();
    const cursor = cursorAt(await bucket.put("a", bytes("1")));
    await using flow = await Flow.open(bucket, allKeys, { from: cursor });
    await flow.untilCaughtUp();
    assert.deepEqual([flow.updates.length, flow.cursor.toHex()], [0, cursor.toHex()]);
    await bucket.put("b", bytes("1"));
    assert.deepEqual((await flow.untilUpdates(1)).story, ["b=1"]);
  },

  "a watch goes on from where a closed one was": async ({ make }) => {
    const bucket = await make();
    await putMany(bucket, "k.", 2500);
    const first = await Flow.open(bucket, allKeys);
    await first.untilUpdates(1);
    await first.watch.close();
    assert.ok(first.updates.length < 2500);
    await using second = await Flow.open(bucket, allKeys, { from: first.cursor });
    await second.untilCaughtUp();
    assert.equal(first.updates.length + second.updates.length, 2500);
    assert.equal(new Map([...first.copy, ...second.copy]).size, 2500);
  },

  "the cursor of an empty bucket's watch loses nothing that comes later": async ({ make }) => {
    const bucket = await make();
    const first = await Flow.open(bucket, allKeys);
    await first.untilCaughtUp();
    await first.watch.close();
    await bucket.put("a", bytes("1"));
    await using second = await Flow.open(bucket, allKeys, { from: first.cursor });
    assert.deepEqual((await second.untilCaughtUp()).story, ["a=1"]);
  },

  "no cursor is a watch from the start": async ({ make }) => {
    const bucket = await make();
    await bucket.put("a", bytes("1"));
    await using flow = await Flow.open(bucket, allKeys, { from: WatchCursor.none });
    assert.deepEqual((await flow.untilCaughtUp()).story, ["a=1"]);
  },

  "a position after which records were evicted has expired, the last before them has not": async ({
    make,
    operator,
  }) => {
    const bucket = await make();
    await putMany(bucket, "k.", 5);
    await operator.evictBefore(bucket.name, 4n);
    await expires(bucket, WatchCursor.fromU64(1));
    await expires(bucket, WatchCursor.fromU64(2));
    await using flow = await Flow.open(bucket, allKeys, { from: WatchCursor.fromU64(3) });
    assert.equal((await flow.untilCaughtUp()).updates.length, 2);
  },

  "a position before an emptied bucket has expired, its end has not": async ({
    make,
    operator,
  }) => {
    const bucket = await make();
    await putMany(bucket, "k.", 5);
    await operator.evictBefore(bucket.name, 6n);
    await expires(bucket, WatchCursor.fromU64(4));
    await using flow = await Flow.open(bucket, allKeys, { from: WatchCursor.fromU64(5) });
    await flow.untilCaughtUp();
    await bucket.put("a", bytes("1"));
    assert.deepEqual((await flow.untilUpdates(1)).story, ["a=1"]);
  },

  "an evicted position has expired for a prefix too": async ({ make, operator }) => {
    const bucket = await make();
    await putMany(bucket, "k.", 5);
    await operator.evictBefore(bucket.name, 4n);
    const error = await within(
      "the refusal",
      watchError(bucket, { kind: "prefix", prefix: "k." }, { from: WatchCursor.fromU64(1) }),
    );
    assert.ok(isMillpondError(error, "cursor-expired"), String(error));
  },

  "a position beyond the end has expired, however far": async ({ make }) => {
    const bucket = await make();
    await putMany(bucket, "k.", 5);
    for (const position of [6n, 1000n, (1n << 53n) + 1n, (1n << 64n) - 1n]) {
      await expires(bucket, WatchCursor.fromU64(position));
    }
  },

  "a position of another backend has expired": async ({ make }) => {
    const bucket = await make();
    await bucket.put("a", bytes("1"));
    await expires(bucket, WatchCursor.fromHex("00000000000000000001"));
  },

  "a position in a bucket that was made again with fewer records has expired": async ({
    make,
    connection,
    operator,
  }) => {
    const bucket = await make();
    await putMany(bucket, "k.", 5);
    const { created } = await bucket.info();
    await operator.deleteBucket(bucket.name);
    const again = await connection.createBucket(bucket.name);
    await putMany(again, "k.", 2);
    assert.notEqual((await again.info()).created, created);
    await expires(again, WatchCursor.fromU64(5));
  },

  "records that are gone from the interior do not expire a position": async ({
    make,
    operator,
  }) => {
    const bucket = await make();
    const cursor = cursorAt(await bucket.put("a", bytes("1")));
    await bucket.put("b", bytes("1"));
    const deleted = await bucket.put("c", bytes("1"));
    await bucket.put("b", bytes("2"));
    await operator.deleteMessage(bucket.name, deleted.toU64() ?? 0n);
    await using flow = await Flow.open(bucket, allKeys, { from: cursor });
    assert.deepEqual((await flow.untilCaughtUp()).story, ["b=2"]);
  },

  "a watch that is behind does not mind that records are superseded": async ({ make }) => {
    const bucket = await make();
    await bucket.put("first", bytes("1"));
    await using flow = await Flow.open(bucket, allKeys);
    await flow.untilCaughtUp();
    for (let round = 0; round < 20; round += 1) await putMany(bucket, "k.", 10);
    await bucket.put("end", bytes("1"));
    await flow.until("the end", () => flow.updates.at(-1)?.key === "end");
    assert.equal(flow.copy.size, 12);
  },

  "a watch that is overrun by eviction is told that its position has expired": async ({ make }) => {
    const bucket = await make({ maxBytes: 128 * KIB, discard: "old" });
    await using flow = await Flow.open(bucket, allKeys);
    await flow.untilCaughtUp();
    const value = new Uint8Array(KIB);
    for (let start = 0; start < 6000; start += 200) {
      await Promise.all(
        Array.from({ length: 200 }, (_, index) => bucket.put(`k.${start + index}`, value)),
      );
    }
    const error = await flow.end();
    assert.ok(isMillpondError(error, "cursor-expired"), String(error));
    const { firstSequence } = await bucket.info();
    assert.ok((flow.cursor.toU64() ?? 0n) < firstSequence, "the cursor stays before the gap");
  },

  "a filtered watch resumes from where unrelated traffic took it": async ({ make, operator }) => {
    const bucket = await make();
    await bucket.put("in.a", bytes("1"));
    const scope = { kind: "prefix", prefix: "in." } as const;
    const first = await Flow.open(bucket, scope);
    await first.untilCaughtUp();
    await putMany(bucket, "out.", 20);
    await first.until("the cursor at 21", () => first.cursor.toU64() === 21n);
    await first.watch.close();
    await operator.evictBefore(bucket.name, 20n);
    await bucket.put("in.b", bytes("1"));
    await using second = await Flow.open(bucket, scope, { from: first.cursor });
    assert.deepEqual((await second.untilCaughtUp()).story, ["in.b=1"]);
  },
};

async function expires(bucket: KvStore, from: WatchCursor): Promise<void> {
  const error = await within(`refusing ${from.toHex()}`, watchError(bucket, allKeys, { from }));
  assert.ok(isMillpondError(error, "cursor-expired"), `${from.toHex()}: ${String(error)}`);
}
