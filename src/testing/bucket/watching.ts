import assert from "node:assert/strict";
import { allKeys, type KvStore, scopeOf } from "../../kv/index.js";
import { nextTurn } from "../../platform/index.js";
import { Flow, within } from "./flow.js";
import type { Scenarios } from "./harness.js";
import { bytes, contents, putMany, sequenceOf } from "./support.js";

export const watching: Scenarios = {
  "watching everything gives the last record of each key in order, then what is written": async ({
    make,
  }) => {
    const bucket = await make({ history: 3 });
    await bucket.put("a", bytes("1"));
    await bucket.put("b", bytes("1"));
    await bucket.put("a", bytes("2"));
    await using flow = await Flow.open(bucket, allKeys);
    assert.deepEqual((await flow.untilCaughtUp()).story, ["b=1", "a=2"]);
    await bucket.put("c", bytes("1"));
    await bucket.delete("b");
    await bucket.purge("a");
    await bucket.put("a", bytes("3"));
    await flow.untilUpdates(6);
    assert.deepEqual(flow.story.slice(2), ["c=1", "-b", "-a", "a=3"]);
    assert.deepEqual(
      flow.updates.slice(3).map((update) => update.kind),
      ["delete", "purge", "put"],
    );
  },

  "an update carries the version that the write gave": async ({ make }) => {
    const bucket = await make();
    await using flow = await Flow.open(bucket, allKeys);
    const put = await bucket.put("a", bytes("1"));
    await flow.untilUpdates(1);
    const deleted = await bucket.delete("a");
    await flow.untilUpdates(2);
    const purged = await bucket.purge("a");
    await flow.untilUpdates(3);
    assert.deepEqual(
      flow.updates.map(({ version }) => version.toHex()),
      [put, deleted, purged].map((version) => version.toHex()),
    );
  },

  "a bucket whose only key is written all the time can be caught up with": async ({ make }) => {
    const bucket = await make();
    await bucket.put("hot", bytes("first"));
    const stop = new AbortController();
    const writing = writeUntil(stop.signal, bucket, "hot");
    try {
      await using flow = await Flow.open(bucket, allKeys);
      await flow.untilCaughtUp();
      assert.deepEqual([...flow.copy.keys()], ["hot"]);
    } finally {
      stop.abort();
      await writing;
    }
  },

  "watching a prefix gives its keys only, as plain text": async ({ make }) => {
    const bucket = await make();
    for (const key of ["edge.a", "edges", "core.a"]) await bucket.put(key, bytes("1"));
    await using dotted = await Flow.open(bucket, { kind: "prefix", prefix: "edge." });
    await using plain = await Flow.open(bucket, { kind: "prefix", prefix: "edge" });
    assert.deepEqual((await dotted.untilCaughtUp()).story, ["edge.a=1"]);
    assert.deepEqual((await plain.untilCaughtUp()).story, ["edge.a=1", "edges=1"]);
    for (const key of ["core.a", "edges", "edge.b"]) await bucket.put(key, bytes("2"));
    await dotted.untilUpdates(2);
    await plain.untilUpdates(4);
    assert.deepEqual(dotted.story.slice(1), ["edge.b=2"]);
    assert.deepEqual(plain.story.slice(2), ["edges=2", "edge.b=2"]);
  },

  "watching the empty prefix is watching everything": async ({ make }) => {
    const bucket = await make();
    await bucket.put("a", bytes("1"));
    await using flow = await Flow.open(bucket, { kind: "prefix", prefix: "" });
    assert.deepEqual((await flow.untilCaughtUp()).story, ["a=1"]);
  },

  "watching several prefixes gives their union in one order, each update once": async ({
    make,
  }) => {
    const bucket = await make();
    for (const key of ["c.1", "a.1", "b.1", "a.x.1"]) await bucket.put(key, bytes("1"));
    const scope = { kind: "prefixes", prefixes: ["a.", "c.", "a.x"] } as const;
    await using flow = await Flow.open(bucket, scope);
    assert.deepEqual((await flow.untilCaughtUp()).story, ["c.1=1", "a.1=1", "a.x.1=1"]);
    for (const key of ["a.x.1", "b.1", "c.2"]) await bucket.put(key, bytes("2"));
    await flow.untilUpdates(5);
    assert.deepEqual(flow.story.slice(3), ["a.x.1=2", "c.2=2"]);
  },

  "watching no prefix gives nothing and has caught up": async ({ make }) => {
    const bucket = await make();
    await bucket.put("a", bytes("1"));
    await using all = await Flow.open(bucket, allKeys);
    await using flow = await Flow.open(bucket, scopeOf([]));
    await flow.untilCaughtUp();
    await bucket.put("a", bytes("2"));
    await all.until("the write", () => all.story.includes("a=2"));
    await flow.watch.close();
    assert.equal(await flow.end(), undefined);
    assert.deepEqual(flow.updates, []);
  },

  "a watch of an empty bucket has caught up at once": async ({ make }) => {
    const bucket = await make();
    await using flow = await Flow.open(bucket, allKeys);
    await flow.untilCaughtUp();
    assert.deepEqual([flow.updates.length, flow.batches.at(-1)?.pending], [0, 0]);
    await bucket.put("a", bytes("1"));
    assert.deepEqual((await flow.untilUpdates(1)).story, ["a=1"]);
  },

  "a watch of a prefix that no key has, has caught up at once": async ({ make }) => {
    const bucket = await make();
    await bucket.put("a", bytes("1"));
    await using flow = await Flow.open(bucket, { kind: "prefix", prefix: "none." });
    await flow.untilCaughtUp();
    assert.deepEqual(flow.updates, []);
  },

  "a watch of a bucket with nothing but markers delivers them and has caught up": async ({
    make,
  }) => {
    const bucket = await make();
    await bucket.put("a", bytes("1"));
    await bucket.put("b", bytes("1"));
    await bucket.delete("a");
    await bucket.purge("b");
    await using flow = await Flow.open(bucket, allKeys);
    await flow.untilCaughtUp();
    assert.deepEqual(
      flow.updates.map(({ key, kind }) => [key, kind]),
      [
        ["a", "delete"],
        ["b", "purge"],
      ],
    );
  },

  "a watch of a bucket that lost its newest records has caught up, and its cursor covers them":
    async ({ make, operator }) => {
      const bucket = await make();
      await bucket.put("a", bytes("1"));
      const newest = await bucket.put("b", bytes("1"));
      await operator.deleteMessage(bucket.name, sequenceOf(newest));
      const emptied = await make();
      await putMany(emptied, "k.", 2);
      await operator.evictBefore(emptied.name, 3n);
      for (const each of [bucket, emptied]) {
        await using flow = await Flow.open(each, allKeys);
        await flow.untilCaughtUp();
        await flow.until("the cursor at 2", () => flow.cursor.toU64() === 2n);
        assert.equal(flow.updates.length, each === bucket ? 1 : 0);
        await each.put("c", bytes("1"));
        await flow.until("the write", () => flow.story.includes("c=1"));
      }
    },

  "caught up comes with the last of what was there, and pending counts down to it": async ({
    make,
  }) => {
    const bucket = await make();
    await putMany(bucket, "k.", 2500);
    await using flow = await Flow.open(bucket, allKeys);
    await flow.untilCaughtUp();
    assert.equal(flow.updates.length, 2500);
    let delivered = 0;
    for (const batch of flow.batches) {
      delivered += batch.updates.length;
      assert.equal(batch.pending, 2500 - delivered);
      assert.equal(batch.caughtUp, delivered === 2500);
    }
  },

  "the cursor of a watch that caught up covers the whole bucket": async ({ make }) => {
    const bucket = await make();
    await bucket.put("in.a", bytes("1"));
    await bucket.put("out", bytes("1"));
    await using flow = await Flow.open(bucket, { kind: "prefix", prefix: "in." });
    await flow.until("the cursor at 2", () => flow.cursor.toU64() === 2n);
    assert.deepEqual(flow.story, ["in.a=1"]);
  },

  "nothing written while a watch is set up is lost": async ({ make }) => {
    const bucket = await make();
    await putMany(bucket, "k.", 200);
    const stop = new AbortController();
    const writer = (async () => {
      for (let round = 0; !stop.signal.aborted; round += 1) {
        await bucket.put(`k.${round % 300}`, bytes(`round ${round}`));
        if (round % 7 === 0) await bucket.delete(`k.${(round * 31) % 300}`);
      }
      return bucket.put("end", bytes("end"));
    })();
    const flows: Flow[] = [];
    for (let index = 0; index < 5; index += 1) flows.push(await Flow.open(bucket, allKeys));
    stop.abort();
    await within("the writer's end", writer);
    const expected = await contents(bucket);
    for (const flow of flows) {
      await flow.until("the end", () => flow.updates.at(-1)?.key === "end");
      assert.deepEqual(flow.copy, expected);
      await flow.watch.close();
    }
  },

  "a filtered watch's cursor moves past traffic that it does not see": async ({ make }) => {
    const bucket = await make();
    await using flow = await Flow.open(bucket, { kind: "prefix", prefix: "in." });
    await flow.untilCaughtUp();
    await putMany(bucket, "out.", 50);
    await flow.until("the cursor at 50", () => flow.cursor.toU64() === 50n);
    await bucket.put("in.a", bytes("1"));
    assert.deepEqual((await flow.untilUpdates(1)).story, ["in.a=1"]);
  },

  "a slow watch gets a long backlog in batches, in order": async ({ make }) => {
    const bucket = await make();
    await using flow = await Flow.open(bucket, allKeys);
    await flow.untilCaughtUp();
    await putMany(bucket, "k.", 3000);
    await flow.untilUpdates(3000);
    assert.equal(flow.copy.size, 3000);
  },

  "many watches of one bucket each get everything": async ({ make }) => {
    const bucket = await make();
    const flows: Flow[] = [];
    for (let index = 0; index < 8; index += 1) flows.push(await Flow.open(bucket, allKeys));
    await putMany(bucket, "k.", 20);
    for (const flow of flows) {
      assert.equal((await flow.untilUpdates(20)).copy.size, 20);
      await flow.watch.close();
    }
  },
};

const WRITES_AT_A_TIME = 10;

/** Writes the key as fast as the backend takes it. */
async function writeUntil(signal: AbortSignal, bucket: KvStore, key: string): Promise<void> {
  while (!signal.aborted) {
    const writes = Array.from({ length: WRITES_AT_A_TIME }, (_, at) =>
      bucket.put(key, bytes(`${at}`)),
    );
    await Promise.all(writes);
    // A backend in this process would otherwise never let anybody else have a turn.
    await nextTurn();
  }
}
