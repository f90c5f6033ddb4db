import assert from "node:assert/strict";
import { isMillpondError } from "../../errors/index.js";
import { allKeys, type KvStore, prefixesOf, scopeOf } from "../../kv/index.js";
import { nextTurn } from "../../platform/index.js";
import { WatchCursor } from "../../values/index.js";
import { Flow, watchError } from "./flow.js";
import type { Scenarios } from "./harness.js";
import { bytes, contents, putMany, sequenceOf } from "./support.js";

const KIB = 1024;
const WRITES_AT_A_TIME = 200;

export const sweeping: Scenarios = {
  "a watch that is level says so again and again": async ({ make }) => {
    const bucket = await make();
    await bucket.put("in.a", bytes("1"));
    for (const scope of [allKeys, scopeOf(["in."]), scopeOf(["none."]), scopeOf([])]) {
      await using flow = await Flow.open(bucket, scope);
      await flow.untilCaughtUp();
      const said = flow.batches.length;
      await flow.until("said twice", () => flow.batches.length >= said + 2);
      for (const { updates, pending } of flow.batches.slice(said)) {
        assert.deepEqual([updates.length, pending], [0, 0]);
      }
    }
  },

  "a batch tells when the message at its cursor was stored, to the nanosecond, and the stream's end":
    async ({ make }) => {
      const bucket = await make();
      await bucket.put("in.a", bytes("1"));
      await bucket.put("in.b", bytes("2"));
      await using flow = await Flow.open(bucket, scopeOf(["in."]));
      await flow.untilCaughtUp();
      const { cursor, cursorTimeNs, head } = flow.batches.at(-1) ?? {};
      assert.ok(cursor !== undefined && cursorTimeNs !== undefined);
      assert.equal((await bucket.recordAt(cursor))?.timeNs, cursorTimeNs);
      assert.equal(head?.toU64(), 2n);
      // The message at the cursor is then none that was delivered: it may be left out, but not be another's.
      await bucket.put("out", bytes("3"));
      await flow.until("the bookmark", () => flow.cursor.toU64() === 3n);
      const actual = (await bucket.recordAt(flow.cursor))?.timeNs;
      assert.ok([undefined, actual].includes(flow.batches.at(-1)?.cursorTimeNs));
    },

  "a purge of the stream under a level watch is told by a floor": async ({ make, operator }) => {
    const bucket = await make();
    await putMany(bucket, "k.", 5);
    const scopes = [allKeys, scopeOf(["k."]), scopeOf(["k.1", "other."])];
    const flows: Flow[] = [];
    for (const scope of scopes) flows.push(await Flow.open(bucket, scope, { sweeps: true }));
    for (const flow of flows) await flow.untilCaughtUp();
    await operator.evictBefore(bucket.name, 4n);
    for (const flow of flows) await flow.until("the floor", () => flow.floor?.toU64() === 4n);
    // All of it, and something new.
    await operator.evictBefore(bucket.name, 6n);
    for (const flow of flows) await flow.until("the floor", () => flow.floor?.toU64() === 6n);
    await bucket.put("k.1", bytes("new"));
    for (const flow of flows) {
      await flow.until("the write", () => flow.story.includes("k.1=new"));
      assert.deepEqual([...flow.swept], [["k.1", "new"]]);
      await flow.watch.close();
    }
  },

  "what was purged before a watch resumed is told by a floor": async ({ make, operator }) => {
    const bucket = await make();
    await putMany(bucket, "k.", 5);
    await operator.evictBefore(bucket.name, 4n);
    const from = WatchCursor.fromU64(5);
    await using flow = await Flow.open(bucket, allKeys, { from, sweeps: true });
    await flow.until("the floor", () => flow.floor?.toU64() === 4n);
    assert.deepEqual(flow.updates, []);
  },

  "a watch that sweeps and is overrun goes on with what there is, and tells the floor": async ({
    make,
  }) => {
    const bucket = await make({ maxBytes: 128 * KIB, discard: "old" });
    const scopes = [allKeys, scopeOf(["in.a."]), scopeOf(["in.a.", "in.b."])];
    const flows: Flow[] = [];
    for (const scope of scopes) flows.push(await Flow.open(bucket, scope, { sweeps: true }));
    for (const flow of flows) await flow.untilCaughtUp();
    const value = new Uint8Array(KIB).fill(97);
    const groups = ["in.a", "in.b", "out"];
    for (let start = 0; start < 6000; start += WRITES_AT_A_TIME) {
      const keys = Array.from(
        { length: WRITES_AT_A_TIME },
        (_, at) => `${groups[at % 3]}.${start + at}`,
      );
      await Promise.all(keys.map((key) => bucket.put(key, value)));
    }
    const { firstSequence } = await bucket.info();
    for (const [index, flow] of flows.entries()) {
      await flow.until("the floor", () => (flow.floor?.toU64() ?? 0n) >= firstSequence);
      const expected = new Map<string, string>();
      for (const prefix of prefixesOf(scopes[index] ?? allKeys)) {
        for (const [key, text] of await contents(bucket, prefix)) expected.set(key, text);
      }
      assert.deepEqual(flow.swept, expected);
      assert.ok(flow.updates.length < 6000);
      await flow.watch.close();
    }
  },

  "a bucket of a few keys that are written all the time needs no sweep": async ({ make }) => {
    const bucket = await make();
    const keys = ["k.0", "k.1", "k.2"];
    for (const key of keys) await bucket.put(key, bytes("0"));
    await using flow = await Flow.open(bucket, allKeys, { sweeps: true });
    await flow.untilCaughtUp();
    const writing = writeAgain(bucket, keys);
    await flow.until("a floor beyond the beginning", () => (flow.floor?.toU64() ?? 0n) > 6n);
    const last = await writing();
    await flow.until("the last write", () => flow.cursor.toU64() === last);
    assert.deepEqual([...flow.swept.keys()].toSorted(), keys);
    assert.equal(flow.sweptAway, 0);
    assert.equal(flow.batches.at(-1)?.rebuilds, undefined);
  },

  "a floor waits for what is still to come of the keys that it would take away": async ({
    make,
  }) => {
    const bucket = await make();
    const keys = ["hot.0", "hot.1"];
    for (const key of keys) await bucket.put(key, bytes("0"));
    await using flow = await Flow.open(bucket, allKeys, { sweeps: true });
    await flow.untilCaughtUp();
    // More than a batch, and the keys' next records behind it.
    await putMany(bucket, "k.", 2500);
    for (const key of keys) await bucket.put(key, bytes("1"));
    await flow.until("the floor", () => (flow.floor?.toU64() ?? 0n) >= 3n);
    assert.deepEqual([flow.sweptAway, flow.swept.size], [0, 2502]);
  },

  "a watch that sweeps judges the position that it begins with as any other": async ({
    make,
    operator,
  }) => {
    const bucket = await make();
    await putMany(bucket, "k.", 5);
    await operator.evictBefore(bucket.name, 4n);
    const error = await watchError(bucket, allKeys, { from: WatchCursor.fromU64(1), sweeps: true });
    assert.ok(isMillpondError(error, "cursor-expired"), String(error));
  },

  "a watch that sweeps ends where its bucket is made again, however many records that has": async ({
    make,
    connection,
    operator,
  }) => {
    const bucket = await make();
    await putMany(bucket, "k.", 3);
    await using flow = await Flow.open(bucket, allKeys, { sweeps: true });
    await flow.untilCaughtUp();
    await operator.deleteBucket(bucket.name);
    await putMany(await connection.createBucket(bucket.name), "n.", 10);
    const error = await flow.end();
    const codes = ["cursor-expired", "bucket-not-found"] as const;
    assert.ok(
      codes.some((code) => isMillpondError(error, code)),
      String(error),
    );
    assert.equal(flow.updates.length, 3);
  },
};

/** Writes the keys over and over, several at a time; the function returned ends that and gives the last sequence. */
function writeAgain(bucket: KvStore, keys: readonly string[]): () => Promise<bigint> {
  const stop = new AbortController();
  const writing = (async () => {
    let last = 0n;
    for (let round = 0; !stop.signal.aborted; round += 1) {
      const versions = await Promise.all(keys.map((key) => bucket.put(key, bytes(`${round}`))));
      for (const version of versions) {
        const sequence = sequenceOf(version);
        if (sequence > last) last = sequence;
      }
      // A backend in this process would otherwise never let anybody else have a turn.
      await nextTurn();
    }
    return last;
  })();
  return () => {
    stop.abort();
    return writing;
  };
}
