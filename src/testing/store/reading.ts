import assert from "node:assert/strict";
import { VersionToken, type KvEntry } from "../../values/index.js";
import { at, keysOf, put, remove, shown, stateOf, type Scenarios } from "./support.js";

export const reading: Scenarios = {
  "a fresh store is empty and has no cursor": async (harness, path) => {
    await using store = await harness.open(path);
    assert.deepEqual(stateOf(store), { cursor: "", size: 0, entries: [] });
    assert.equal(store.get("a"), undefined);
  },
  "get gives the last value and version of a key, and nothing for one that is removed or unknown":
    async (harness, path) => {
      await using store = await harness.open(path);
      await store.apply([put("a", "1", 1), put("b", "2", 2), put("a", "3", 3)], at(3));
      await store.apply([remove("delete", "b", 4)], at(4));
      assert.deepEqual(shown([store.get("a")].filter((entry) => entry !== undefined)), ["a=3@3"]);
      assert.equal(store.get("b"), undefined);
      assert.equal(store.get("c"), undefined);
    },
  "range gives the keys that start with the prefix, and the empty prefix gives all": async (
    harness,
    path,
  ) => {
    await using store = await harness.open(path);
    await store.apply(
      ["b.2", "a.1", "b", "c", "b.1", "b/1"].map((key, index) => put(key, "", index + 1)),
      at(6),
    );
    assert.deepEqual(keysOf(store.range("b.")), ["b.1", "b.2"]);
    assert.deepEqual(keysOf(store.range("b")), ["b", "b.1", "b.2", "b/1"]);
    assert.deepEqual(keysOf(store.range("")), ["a.1", "b", "b.1", "b.2", "b/1", "c"]);
    assert.deepEqual(keysOf(store.range("d")), []);
  },
  "range is ordered by the UTF-8 bytes of the key, also where JavaScript's order differs": async (
    harness,
    path,
  ) => {
    await using store = await harness.open(path);
    const keys = ["z", "\u{1F600}", "\u{FFFD}", "\u{E000}", "\u00fc", "a"];
    await store.apply(
      keys.map((key, index) => put(key, "", index + 1)),
      at(6),
    );
    const byBytes = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(keysOf(store.range("")), byBytes);
  },
  "range stays in order through adding, removing and adding again": async (harness, path) => {
    await using store = await harness.open(path);
    const keys = Array.from({ length: 3000 }, (_, index) => `k${(index * 7919) % 3000}`);
    await store.apply(
      keys.map((key, index) => put(key, "", index + 1)),
      at(3000),
    );
    assert.deepEqual(keysOf(store.range("")), keys.toSorted());
    await store.apply([remove("delete", "k1500", 3001), put("k1500a", "", 3002)], at(3002));
    await store.apply([put("k1500", "again", 3003), remove("purge", "k2", 3004)], at(3004));
    const expected = [...keys.filter((key) => key !== "k2"), "k1500a"].toSorted();
    assert.deepEqual(keysOf(store.range("")), expected);
    assert.deepEqual(keysOf(store.range("k1500")), ["k1500", "k1500a"]);
    assert.equal(store.size, 3000);
  },
  "a range is what was there when it was asked for, whatever is applied while it is walked": async (
    harness,
    path,
  ) => {
    await using store = await harness.open(path);
    await store.apply([put("a", "1", 1), put("b", "2", 2), put("c", "3", 3)], at(3));
    const range = store.range("");
    await store.apply([remove("delete", "b", 4), put("c", "new", 5), put("bb", "new", 6)], at(6));
    assert.deepEqual(shown(range), ["a=1@1", "b=2@2", "c=3@3"]);
  },
  "forEachInRange visits what range gives, and passes on what the visitor throws": async (
    harness,
    path,
  ) => {
    await using store = await harness.open(path);
    await store.apply([put("p.b", "1", 1), put("p.a", "2", 2), put("q", "3", 3)], at(3));
    const visited: KvEntry[] = [];
    store.forEachInRange("p.", (entry) => visited.push(entry));
    assert.deepEqual(shown(visited), shown(store.range("p.")));
    const stop = new Error("far enough");
    let calls = 0;
    const throwing = (): void => {
      calls += 1;
      throw stop;
    };
    assert.throws(() => store.forEachInRange("", throwing), stop);
    assert.equal(calls, 1);
  },
  "what it gives and what it was given are copies: changing them changes nothing": async (
    harness,
    path,
  ) => {
    await using store = await harness.open(path);
    // A Node Buffer too: its `slice` is a view.
    const values = [Buffer.from("one"), new TextEncoder().encode("two")];
    const version = VersionToken.fromU64(1);
    await store.apply(
      values.map((value, index) => ({ kind: "put", key: `k${index}`, value, version })),
      at(1),
    );
    for (const value of values) value.fill(0);
    store.get("k0")?.value.fill(0);
    for (const entry of store.range("")) entry.value.fill(0);
    store.forEachInRange("", (entry) => entry.value.fill(0));
    assert.deepEqual(shown(store.range("")), ["k0=one@1", "k1=two@1"]);
  },
};
