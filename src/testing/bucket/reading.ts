import assert from "node:assert/strict";
import { allKeys } from "../../kv/index.js";
import { Flow } from "./flow.js";
import type { Scenarios } from "./harness.js";
import {
  bytes,
  collect,
  contents,
  putMany,
  refuses,
  sortedKeys,
  text,
  untimed,
} from "./support.js";

export const reading: Scenarios = {
  "get and entry give a value with its version": async ({ make }) => {
    const bucket = await make();
    const version = await bucket.put("a.b", bytes("one"));
    const expected = { key: "a.b", value: bytes("one"), version };
    assert.deepEqual(untimed(await bucket.get("a.b")), expected);
    assert.deepEqual(untimed(await bucket.entry("a.b")), { ...expected, kind: "put" });
  },

  "a key that was never written has neither value nor record": async ({ make }) => {
    const bucket = await make();
    assert.equal(await bucket.get("a"), undefined);
    assert.equal(await bucket.entry("a"), undefined);
  },

  "get hides a removed key, entry shows how it was removed and at which version": async ({
    make,
  }) => {
    const bucket = await make();
    await bucket.put("a", bytes("1"));
    await bucket.put("b", bytes("1"));
    const deleted = await bucket.delete("a");
    const purged = await bucket.purge("b");
    const nothing = new Uint8Array(0);
    assert.equal(await bucket.get("a"), undefined);
    assert.equal(await bucket.get("b"), undefined);
    assert.deepEqual(untimed(await bucket.entry("a")), {
      key: "a",
      kind: "delete",
      reason: "deleted",
      value: nothing,
      version: deleted,
    });
    assert.deepEqual(untimed(await bucket.entry("b")), {
      key: "b",
      kind: "purge",
      reason: "purged",
      value: nothing,
      version: purged,
    });
  },

  "an empty value is a value": async ({ make }) => {
    const bucket = await make();
    const version = await bucket.put("a", new Uint8Array(0));
    assert.deepEqual(untimed(await bucket.get("a")), {
      key: "a",
      value: new Uint8Array(0),
      version,
    });
    assert.deepEqual(await sortedKeys(bucket), ["a"]);
    assert.equal((await collect(bucket.scan())).length, 1);
    await using flow = await Flow.open(bucket, allKeys);
    assert.deepEqual((await flow.untilCaughtUp()).story, ["a="]);
  },

  "any bytes come back as they were": async ({ make }) => {
    const bucket = await make();
    const value = Uint8Array.from({ length: 256 }, (_, index) => index);
    await bucket.put("a", value);
    assert.deepEqual((await bucket.get("a"))?.value, value);
    assert.deepEqual((await collect(bucket.scan()))[0]?.value, value);
    await using flow = await Flow.open(bucket, allKeys);
    const [update] = (await flow.untilCaughtUp()).updates;
    assert.deepEqual(update?.kind === "put" && update.value, value);
  },

  "when a value was stored is told alike by every reading, and later for a later one": async ({
    make,
  }) => {
    const bucket = await make();
    await bucket.put("a", bytes("1"));
    await bucket.put("b", bytes("1"));
    const [got, record] = [await bucket.get("a"), await bucket.entry("a")];
    const scanned = (await collect(bucket.scan())).find(({ key }) => key === "a");
    await using flow = await Flow.open(bucket, allKeys);
    const [watched, later] = (await flow.untilCaughtUp()).updates;
    const times = [got, record, scanned, watched].map((entry) => entry?.timeMs);
    // A bucket that cannot tell leaves it out everywhere.
    assert.deepEqual(times, Array(times.length).fill(later?.timeMs && times[0]));
    assert.ok((later?.timeMs ?? 0) >= (watched?.timeMs ?? 0));
  },

  "what was read is the caller's own to change": async ({ make }) => {
    const bucket = await make();
    const value = bytes("one");
    await bucket.put("a", value);
    value.fill(0);
    (await bucket.get("a"))?.value.fill(0);
    await using flow = await Flow.open(bucket, allKeys);
    const [update] = (await flow.untilCaughtUp()).updates;
    if (update?.kind === "put") update.value.fill(0);
    assert.equal(text((await bucket.get("a"))?.value), "one");
  },

  "keys and scan leave out removed keys": async ({ make }) => {
    const bucket = await make();
    for (const key of ["a", "b", "c", "d"]) await bucket.put(key, bytes(key));
    await bucket.delete("b");
    await bucket.purge("c");
    assert.deepEqual(await sortedKeys(bucket), ["a", "d"]);
    assert.deepEqual([...(await contents(bucket)).keys()], ["a", "d"]);
  },

  "scan gives the last value of each key and the version to update it with": async ({ make }) => {
    const bucket = await make({ history: 5 });
    await bucket.put("a", bytes("1"));
    await bucket.put("b", bytes("1"));
    const version = await bucket.put("a", bytes("2"));
    const entry = (await collect(bucket.scan())).find(({ key }) => key === "a");
    assert.deepEqual(untimed(entry), { key: "a", value: bytes("2"), version });
    await bucket.update("a", bytes("3"), version);
  },

  "a prefix is plain text": async ({ make }) => {
    const bucket = await make();
    for (const key of ["edge", "edge.a", "edge.a.b", "edges", "edg", "core.edge"]) {
      await bucket.put(key, bytes("v"));
    }
    assert.deepEqual(await sortedKeys(bucket, "edge"), ["edge", "edge.a", "edge.a.b", "edges"]);
    assert.deepEqual(await sortedKeys(bucket, "edge."), ["edge.a", "edge.a.b"]);
    assert.deepEqual(await sortedKeys(bucket, "edge.a"), ["edge.a", "edge.a.b"]);
    assert.deepEqual([...(await contents(bucket, "edge.")).keys()], ["edge.a", "edge.a.b"]);
    assert.deepEqual(await sortedKeys(bucket, "none."), []);
    assert.deepEqual(await collect(bucket.scan("none.")), []);
  },

  "no prefix and the empty prefix are every key": async ({ make }) => {
    const bucket = await make();
    await bucket.put("a", bytes("1"));
    await bucket.put("b.c", bytes("2"));
    const all = ["a", "b.c"];
    assert.deepEqual(await sortedKeys(bucket), all);
    assert.deepEqual(await sortedKeys(bucket, ""), all);
    assert.deepEqual([...(await contents(bucket, "")).keys()], all);
  },

  "an empty bucket has no keys": async ({ make }) => {
    const bucket = await make();
    assert.deepEqual(await sortedKeys(bucket), []);
    assert.deepEqual(await collect(bucket.scan()), []);
  },

  "keys and scan cover more than 1000 keys": async ({ make }) => {
    const bucket = await make();
    await putMany(bucket, "k.", 2100);
    await bucket.put("other", bytes("v"));
    assert.equal(new Set(await collect(bucket.keys("k."))).size, 2100);
    const found = await contents(bucket, "k.");
    assert.equal(found.size, 2100);
    assert.equal(found.get("k.2099"), "2099");
  },

  "a prefix or a key with a wildcard or white space is refused": async ({ make }) => {
    const bucket = await make();
    await bucket.put("a.b", bytes("v"));
    for (const wrong of ["a.*", ">", "a b", "..", ".a"]) {
      await refuses("invalid-key", () => collect(bucket.keys(wrong)));
      await refuses("invalid-key", () => collect(bucket.scan(wrong)));
      await refuses("invalid-key", () => bucket.watch({ kind: "prefix", prefix: wrong }));
      await refuses("invalid-key", () => bucket.get(wrong));
      await refuses("invalid-key", () => bucket.entry(wrong));
    }
    await refuses("invalid-key", () => bucket.get(""));
  },

  "keys that only a raw publisher can write are read as they are": async ({ make, operator }) => {
    const bucket = await make();
    await operator.putRaw(bucket.name, "brücke.ü", bytes("v"));
    assert.equal(text((await bucket.get("brücke.ü"))?.value), "v");
    assert.deepEqual(await sortedKeys(bucket, "brü"), ["brücke.ü"]);
    await using flow = await Flow.open(bucket, { kind: "prefix", prefix: "brü" });
    assert.deepEqual((await flow.untilCaughtUp()).story, ["brücke.ü=v"]);
  },
};
