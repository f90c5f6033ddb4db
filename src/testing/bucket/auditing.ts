import assert from "node:assert/strict";
import {
  allKeys,
  inScope,
  type KvRecordHead,
  type KvStore,
  type WatchScope,
} from "../../kv/index.js";
import { WatchCursor } from "../../values/index.js";
import { Flow } from "./flow.js";
import type { Scenarios } from "./harness.js";
import { bytes, collect, cursorAt, putMany, refuses, sequenceOf } from "./support.js";

const KEYS = ["a", "a.b", "a.b.c", "a.c", "ab", "ab.c", "b.a", "b.a.b", "bab", "c"];
/** Such as only a raw publisher can write. */
const ODD_KEYS = ["ü", "ü.é", "a*b", "a.x>y", "a.$b", "😀.a"];

/** Every kind of scope, with those whose prefixes a server's filters cannot say. */
const SCOPES: readonly WatchScope[] = [
  allKeys,
  { kind: "prefix", prefix: "" },
  { kind: "prefix", prefix: "a." },
  { kind: "prefix", prefix: "a" },
  { kind: "prefix", prefix: "a.b" },
  { kind: "prefix", prefix: "ü" },
  { kind: "prefix", prefix: "none." },
  { kind: "prefixes", prefixes: [] },
  { kind: "prefixes", prefixes: ["a.", "b."] },
  { kind: "prefixes", prefixes: ["a.", "a.b", "a"] },
  { kind: "prefixes", prefixes: ["a.b", "a.c", "b.a."] },
  { kind: "prefixes", prefixes: ["ab", "bab", "ü."] },
  {
    kind: "prefixes",
    prefixes: Array.from({ length: 300 }, (_, index) => `p${index}.`).concat("a."),
  },
];

export const auditing: Scenarios = {
  "records and their count are those in scope, for every kind of scope and legal key": async ({
    make,
    operator,
  }) => {
    const bucket = await make();
    for (const key of KEYS) await bucket.put(key, bytes(key));
    for (const key of ODD_KEYS) await operator.putRaw(bucket.name, key, bytes(key));
    await putMany(bucket, "p7.", 2);
    await bucket.delete("a.b");
    await bucket.purge("b.a");
    const all = [...KEYS, ...ODD_KEYS, "p7.0", "p7.1"];
    for (const scope of SCOPES) {
      const expected = all.filter((key) => inScope(scope, key)).toSorted();
      const listed = await collect(bucket.records(scope));
      assert.deepEqual(listed.map(({ key }) => key).toSorted(), expected, JSON.stringify(scope));
      assert.equal(await bucket.countRecords(scope), expected.length, JSON.stringify(scope));
      await using flow = await Flow.open(bucket, scope);
      await flow.untilCaughtUp();
      assert.deepEqual(flow.updates.map(({ key }) => key).toSorted(), expected);
    }
    for (const key of ODD_KEYS) {
      assert.deepEqual((await bucket.entry(key))?.value, bytes(key), key);
    }
  },

  "records, a single record and a watch tell alike how and why a key was removed": async ({
    make,
  }) => {
    const bucket = await make({ history: 3 });
    for (const key of ["a", "b", "c"]) await bucket.put(key, bytes("1"));
    await bucket.delete("b");
    await bucket.purge("c");
    await using flow = await Flow.open(bucket, allKeys);
    await flow.untilCaughtUp();
    const told = ["a put undefined", "b delete deleted", "c purge purged"];
    const listed = await collect(bucket.records(allKeys));
    assert.deepEqual(listed.map(meaning).toSorted(), told);
    for (const update of flow.updates) {
      const entry = await bucket.entry(update.key);
      assert.ok(entry !== undefined);
      const reason = update.kind === "put" ? undefined : update.reason;
      assert.deepEqual([update.kind, reason], [entry.kind, entry.reason]);
      const head = listed.find(({ key }) => key === update.key);
      const at = await bucket.recordAt(cursorAt(update.version));
      assert.deepEqual(head, at);
      assert.deepEqual(
        [head?.kind, head?.reason, head?.version.toHex(), head?.timeMs],
        [entry.kind, entry.reason, entry.version.toHex(), entry.timeMs],
      );
    }
  },

  "the count is of keys, with markers and without history, and falls when a marker is dropped":
    async ({ make, operator }) => {
      const bucket = await make({ history: 5 });
      for (const value of ["1", "2", "3"]) await bucket.put("in.a", bytes(value));
      await bucket.put("in.b", bytes("1"));
      const marker = await bucket.purge("in.b");
      await bucket.put("out", bytes("1"));
      const scope: WatchScope = { kind: "prefix", prefix: "in." };
      const plain: WatchScope = { kind: "prefix", prefix: "in" };
      const counts = (): Promise<number[]> =>
        Promise.all([allKeys, scope, plain].map((each) => bucket.countRecords(each)));
      assert.deepEqual(await counts(), [3, 2, 2]);
      await operator.deleteMessage(bucket.name, sequenceOf(marker));
      assert.deepEqual(await counts(), [2, 1, 1]);
    },

  "records of more keys than one pull brings come all, without their values": async ({ make }) => {
    const bucket = await make();
    await putMany(bucket, "k.", 2100);
    const listed = await collect(bucket.records({ kind: "prefix", prefix: "k" }));
    assert.equal(new Set(listed.map(({ key }) => key)).size, 2100);
    assert.ok(listed.every((head) => !("value" in head)));
    assert.equal(await bucket.countRecords({ kind: "prefix", prefix: "k" }), 2100);
  },

  "a record is found at its position, of whatever key, for as long as it is kept": async ({
    make,
    operator,
  }) => {
    const bucket = await make({ history: 2 });
    const first = await bucket.put("a", bytes("1"));
    const second = await bucket.put("a", bytes("2"));
    const marker = await bucket.delete("b");
    assert.equal((await bucket.recordAt(cursorAt(first)))?.key, "a");
    assert.equal((await bucket.recordAt(cursorAt(marker)))?.kind, "delete");
    await bucket.put("a", bytes("3"));
    assert.equal(await bucket.recordAt(cursorAt(first)), undefined);
    assert.equal((await bucket.recordAt(cursorAt(second)))?.key, "a");
    await operator.deleteMessage(bucket.name, sequenceOf(marker));
    for (const nowhere of [
      cursorAt(marker),
      WatchCursor.none,
      WatchCursor.fromU64(0),
      WatchCursor.fromU64(99),
      WatchCursor.fromU64((1n << 53n) + 1n),
      WatchCursor.fromU64((1n << 64n) - 1n),
      WatchCursor.fromHex("00000000000000000001"),
    ]) {
      assert.equal(await bucket.recordAt(nowhere), undefined, nowhere.toHex());
    }
  },

  "info tells by what the bucket forgets, and the time": async ({ make, connection }) => {
    const plain = await (await make()).info();
    const none = { maxAgeMs: undefined, allowsTtl: false, markerTtlMs: undefined };
    assert.deepEqual(plain.limits, { ...none, discardsOld: false });
    assert.ok(Math.abs(plain.serverTimeMs - Date.parse(plain.created)) < 60_000);
    const log = await (await make({ maxAgeMs: 90_000, discard: "old" })).info();
    assert.deepEqual(log.limits, { ...none, maxAgeMs: 90_000, discardsOld: true });
    if (!connection.capabilities.ttl) return;
    const ttl = await (await make({ markerTtlMs: 60_000 })).info();
    assert.deepEqual(ttl.limits, {
      ...none,
      allowsTtl: true,
      markerTtlMs: 60_000,
      discardsOld: false,
    });
  },

  "what lists and counts refuses a prefix that no key has, and a bucket that is not there": async ({
    make,
    connection,
    newName,
  }) => {
    const bucket = await make();
    for (const call of calls(bucket, { kind: "prefix", prefix: "a.*" })) {
      await refuses("invalid-key", call);
    }
    const missing = connection.bucket(newName());
    for (const call of calls(missing, allKeys)) await refuses("bucket-not-found", call);
    for (const call of calls(missing, { kind: "prefix", prefix: "a" })) {
      await refuses("bucket-not-found", call);
    }
    await refuses("bucket-not-found", () => missing.recordAt(WatchCursor.fromU64(1)));
  },
};

function calls(bucket: KvStore, scope: WatchScope): (() => Promise<unknown>)[] {
  return [() => collect(bucket.records(scope)), () => bucket.countRecords(scope)];
}

function meaning({ key, kind, reason }: KvRecordHead): string {
  return `${key} ${kind} ${reason}`;
}
