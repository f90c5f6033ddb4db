import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Arena } from "../../src/kernel/index.js";
import type { KvEntry } from "../../src/values/index.js";
import { EntryModel } from "../support/entry-model.js";
import { integerBelow, randomFrom, seedOfRun } from "../support/seed.js";
import { until } from "../support/until.js";
import { del, put, told } from "../support/updates.js";

function filled(keys: number, valueBytes = 1000): Arena {
  const arena = new Arena({ seed: 1 });
  for (let number = 0; number < keys; number += 1) {
    arena.apply(put(keyOf(number), new Uint8Array(valueBytes).fill(number), number));
  }
  return arena;
}

function keyOf(number: number): string {
  return `key-${String(number).padStart(7, "0")}`;
}

function overwriteAll(arena: Arena, keys: number, valueBytes: number): void {
  for (let number = 0; number < keys; number += 1) {
    arena.apply(put(keyOf(number), new Uint8Array(valueBytes), 2 * keys));
  }
}

describe("a range", () => {
  test("is in the order of the keys' bytes, also past U+FFFF", () => {
    const arena = new Arena({ seed: 1 });
    const keys = ["\u{10FFFF}", "\uFFFF", "ab", "a", "\uE000", "\u{10000}", "", "b", "é", "\u007F"];
    for (const key of keys) arena.apply(put(key, "v", 1));
    const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(
      Array.from(arena.range(""), ({ key }) => key),
      sorted,
    );
    assert.deepEqual(
      Array.from(arena.range("a"), ({ key }) => key),
      ["a", "ab"],
    );
    assert.deepEqual([...arena.range("x".repeat(70_000))], []);
  });

  test("gives values that are the caller's own", () => {
    const arena = filled(3, 10);
    const [first, second] = [...arena.range("")] as [KvEntry, KvEntry];
    first.value.fill(99);
    assert.equal(second.value[0], 1);
    assert.equal(arena.get(keyOf(0))?.value[0], 0);
    const transfer = [first.value.buffer as ArrayBuffer];
    try {
      structuredClone(first, { transfer });
    } catch {
      // Newer versions of Node refuse what older ones copy.
    }
    assert.equal(second.value[0], 1);
  });

  test("gives values of all lengths whole, each by itself, as a search for one key does", () => {
    const arena = new Arena({ seed: 1 });
    const lengths = Array.from({ length: 1500 }, (_, length) => length);
    for (const length of lengths) {
      arena.apply(put(keyOf(length), new Uint8Array(length).fill(length), 1));
    }
    const found = lengths.map((length) => arena.get(keyOf(length)) as KvEntry);
    const listed = [...arena.range("")];
    assert.deepEqual(found, listed);
    for (const { value } of [...found, ...listed].filter((_, index) => index % 2 === 0)) {
      value.fill(77);
    }
    for (const [index, { value }] of [...found, ...listed].entries()) {
      const byte = index % 2 === 0 ? 77 : (index % 1500) & 0xff;
      assert.deepEqual(value, new Uint8Array(index % 1500).fill(byte));
    }
    assert.deepEqual(
      [...arena.range("")],
      lengths.map((length) => arena.get(keyOf(length))),
    );
    assert.equal(arena.get(keyOf(1499))?.value[0], 1499 & 0xff);
  });

  test("is as it was at the call, however much is overwritten and removed while it is walked", () => {
    const keys = 40_000;
    const arena = filled(keys);
    const expected = told(arena.range("key-002"));
    const started = arena.range("key-002");
    const fresh = arena.range("key-002");
    const begun = [started.next().value, started.next().value] as KvEntry[];
    // Forty megabytes: more than is held for ranges, so that they have to take copies.
    overwriteAll(arena, keys, 1001);
    for (let number = 20_000; number < 30_000; number += 1) arena.apply(del(keyOf(number), 1));
    assert.equal(arena.check(), 0);
    assert.deepEqual(told([...begun, ...started]), expected);
    assert.deepEqual(told(fresh), expected);
    assert.equal([...arena.range("key-002")].length, 0);
  });

  test("that is left or ended lets go of what it held", () => {
    const keys = 5000;
    const arena = filled(keys);
    for (const entry of arena.range("")) if (entry.key === keyOf(9)) break;
    const memoryBytes = arena.memoryBytes + (4 << 20);
    for (let round = 0; round < 10; round += 1) {
      const range = arena.range("");
      range.next();
      overwriteAll(arena, keys, 990 + round);
      range.return?.();
    }
    assert.ok(arena.memoryBytes < memoryBytes + (8 << 20));
    assert.equal(arena.check(), 0);
  });

  test("that was forgotten half-way holds no more than a bound, and nothing once it is collected", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const keys = 5000;
    const arena = filled(keys);
    const before = arena.memoryBytes - arena.freeBytes;
    (() => arena.range("").next())();
    for (let round = 0; round < 10; round += 1) overwriteAll(arena, keys, 1000);
    assert.ok(arena.memoryBytes - arena.freeBytes < before + (17 << 20));
    await until("the memory of a forgotten range is free", () => {
      collect();
      return arena.memoryBytes - arena.freeBytes < before + (1 << 20);
    });
    assert.equal(arena.check(), 0);
  });
});

test("a tree of many levels stays sorted through inserts in any order and removals of any part", () => {
  const seed = seedOfRun();
  const random = randomFrom(seed);
  const arena = new Arena({ seed });
  const model = new EntryModel();
  const both = (update: ReturnType<typeof put>): void => {
    arena.apply(update);
    model.apply(update);
  };
  for (let phase = 0; phase < 12; phase += 1) {
    const start = integerBelow(random, 20_000);
    const step = [1, -1, 7919][phase % 3] as number;
    for (let index = 0; index < 4000; index += 1) {
      both(put(keyOf((((start + index * step) % 20_000) + 20_000) % 20_000), "v", index));
      if (index % 100 === 0) arena.settle(integerBelow(random, 200));
    }
    assert.equal(arena.check(), 0, `MILLPOND_SEED=${seed}, phase ${phase}`);
    const from = integerBelow(random, 20_000);
    const every = 1 + integerBelow(random, 3);
    for (let index = 0; index < 8000; index += every) both(del(keyOf(from + index), 1));
    assert.equal(arena.check(), 0, `MILLPOND_SEED=${seed}, phase ${phase}`);
    assert.deepEqual(told(arena.range("key-001")), told(model.range("key-001")));
  }
  for (const key of model.keys()) both(del(key, 1));
  assert.equal(arena.check(), 0, `MILLPOND_SEED=${seed}`);
  assert.equal(arena.size, 0);
});
