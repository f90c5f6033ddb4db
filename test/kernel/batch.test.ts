import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { Arena } from "../../src/kernel/index.js";
import { STAGING_BYTES } from "../../src/kernel/kernel.js";
import { parseBatch } from "../../src/log/v3/batch.js";
import { VersionToken, WatchCursor, type KvUpdate } from "../../src/values/index.js";
import { EntryModel } from "../support/entry-model.js";
import { randomUpdate } from "../support/random-updates.js";
import { bodyOf } from "../support/record-batch.js";
import { integerBelow, randomFrom, seedOfRun } from "../support/seed.js";
import { del, put, told } from "../support/updates.js";

function take(arena: Arena, body: Uint8Array): void {
  arena.stage(body);
  arena.commit();
}

describe("a batch", () => {
  test("is not there until it is committed, and never after an abort", () => {
    const arena = new Arena({ seed: 1 });
    const position = { cursor: WatchCursor.fromU64(1), cursorTimeNs: 5n, origin: "here" };
    arena.stage(bodyOf([put("a", "1", 1)], position));
    assert.equal(arena.has("a"), false);
    arena.abort();
    assert.equal(arena.has("a"), false);
    arena.apply(put("b", "1", 1));
    arena.apply(del("b", 1));
    assert.equal(arena.position(), undefined);
    arena.stage(bodyOf([put("a", "1", 1)], position));
    arena.commit();
    assert.deepEqual(told(arena.range("")), ["a=1@1"]);
    assert.deepEqual(arena.position(), position);
  });

  test("keeps the origin that was told last, and withdraws a position by none", () => {
    const arena = new Arena({ seed: 1 });
    const cursor = WatchCursor.fromU64(1);
    take(arena, bodyOf([], { cursor, cursorTimeNs: 0n, origin: "x".repeat(1 << 20) }));
    take(arena, bodyOf([], { cursor: WatchCursor.none, cursorTimeNs: 0n, origin: undefined }));
    take(arena, bodyOf([put("a", "1", 1)]));
    assert.deepEqual(arena.position(), {
      cursor: WatchCursor.none,
      cursorTimeNs: 0n,
      origin: "x".repeat(1 << 20),
    });
  });

  test("may name a key twice, and remove what is not there", () => {
    const arena = new Arena({ seed: 1 });
    take(arena, bodyOf([put("a", "1", 1), put("a", "2", 2), del("b", 3), del("b", 4)]));
    assert.deepEqual(told(arena.range("")), ["a=2@2"]);
    take(arena, bodyOf([del("a", 5), put("a", "6", 6), put("b", "7", 7), del("b", 8)]));
    assert.deepEqual(told(arena.range("")), ["a=6@6"]);
    assert.equal(arena.check(), 0);
  });

  test("holds the longest values and keys there are, and the shortest", () => {
    const arena = new Arena({ seed: 1 });
    const value = new Uint8Array(16 << 20).fill(9);
    const key = "k".repeat(65_535);
    const updates = [put(key, value, 1), put("", "", 2), put("\u{1F400}", value, 3)];
    take(arena, bodyOf(updates.slice(0, 2)));
    arena.apply(updates[2] as KvUpdate);
    assert.deepEqual(arena.get(key)?.value, value);
    assert.deepEqual(arena.get("\u{1F400}")?.value, value);
    assert.deepEqual(arena.get("")?.value, new Uint8Array(0));
    assert.equal(arena.get("k".repeat(65_536)), undefined);
    assert.equal(arena.get("k".repeat(65_534)), undefined);
    assert.equal(arena.check(), 0);
  });

  test("is taken wherever its bytes begin, up to the last that staging has room for", () => {
    const first = put("first", "1", 1);
    const beside = bodyOf([first, put("k", "", 2)]).length;
    for (let shift = 0; shift < 8; shift += 1) {
      for (const spare of [-9, -1, 0, 1, 8]) {
        const arena = new Arena({ seed: 1 });
        const value = new Uint8Array(STAGING_BYTES + spare - beside).fill(shift + 1);
        const body = bodyOf([first, put("k", value, 2)]);
        const shifted = new Uint8Array(body.length + 8).subarray(shift, shift + body.length);
        shifted.set(body);
        take(arena, shifted);
        assert.deepEqual(arena.get("k")?.value, value);
        assert.deepEqual(told(arena.range("f")), ["first=1@1"]);
        arena.apply(put("k", value.subarray(shift, shift + 50), 3));
        assert.deepEqual(arena.get("k")?.value, value.subarray(shift, shift + 50));
        assert.equal(arena.check(), 0);
      }
    }
  });

  test("is refused for exactly the keys that are not UTF-8", () => {
    const arena = new Arena({ seed: 1 });
    const bodies = Array.from({ length: 24 }, (_, length) =>
      bodyOf([put("k".repeat(length), "", 1)]),
    );
    const ends = [[], [0x80], [0x80, 0xbf], [0xc0, 0x80], [0x80, 0x7f], [0x80, 0x80, 0x80]];
    for (let first = 0x7f; first <= 0xff; first += 1) {
      for (let second = 0x70; second <= 0xd0; second += 1) {
        for (const end of ends) {
          const key = Buffer.from([...Buffer.from("before".repeat(3)), first, second, ...end]);
          const body = Buffer.from(bodies[key.length] as Uint8Array);
          body.set(key, 16 + 8);
          let isTaken = true;
          try {
            arena.stage(body);
          } catch {
            isTaken = false;
          }
          arena.abort();
          assert.equal(isTaken, isUtf8(key), key.toString("hex"));
        }
      }
    }
  });

  test("is taken or refused as the log's own parser does, whatever bytes it is made of", () => {
    const seed = seedOfRun();
    const random = randomFrom(seed);
    let refused = 0;
    for (let round = 0; round < 6000; round += 1) {
      const message = `MILLPOND_SEED=${seed}, round ${round}`;
      const updates = Array.from({ length: integerBelow(random, 4) }, () =>
        randomUpdate(random, 30),
      ).filter(({ key }) => key.length < 100);
      const origin = integerBelow(random, 2) === 0 ? "ö" : undefined;
      const cursor = WatchCursor.fromU64(integerBelow(random, 1000));
      const position = { cursor, cursorTimeNs: 7n, origin };
      const whole = bodyOf(updates, integerBelow(random, 2) === 0 ? position : undefined);
      const body = Buffer.from(whole.subarray(0, whole.length - integerBelow(random, 2)));
      for (let flips = integerBelow(random, 3); flips > 0; flips -= 1) {
        // Mostly where the lengths are.
        const at = integerBelow(random, Math.min(body.length, integerBelow(random, 2) ? 60 : 1e9));
        body[at] = integerBelow(random, 4) === 0 ? integerBelow(random, 256) : (body[at] ?? 0) ^ 1;
      }
      const arena = new Arena({ seed });
      const model = new EntryModel();
      let isGood = true;
      try {
        for (const update of parseBatch(body, false).updates) model.apply(update);
      } catch {
        isGood = false;
      }
      if (isGood) take(arena, body);
      else {
        refused += 1;
        assert.throws(() => arena.stage(body), { code: "invalid-format" }, message);
      }
      assert.equal(arena.check(), 0, message);
      assert.deepEqual([...arena.range("")], isGood ? model.range("") : [], message);
    }
    assert.ok(refused > 1000 && refused < 5000, `refused ${refused}, MILLPOND_SEED=${seed}`);
  });
});

/** Puts keys of about 1 KiB until it is full, ten to a batch. */
function fill(arena: Arena): number {
  for (let number = 0; ; number += 10) {
    const updates = Array.from({ length: 10 }, (_, index) =>
      put(`key-${(number + index) ^ 0x155}`, new Uint8Array(1000), 1),
    );
    try {
      take(arena, bodyOf(updates));
    } catch (error) {
      assert.ok(isMillpondError(error, "too-large"), String(error));
      return number;
    }
  }
}

describe("a full arena", () => {
  const MAX_BYTES = 8 << 20;

  test("refuses a batch before anything is changed, and stays within its bytes", () => {
    const arena = new Arena({ seed: 1, maxBytes: MAX_BYTES });
    const keys = fill(arena);
    assert.equal(arena.size, keys);
    assert.ok(arena.memoryBytes <= MAX_BYTES);
    assert.ok(arena.recordBytes > 0.6 * MAX_BYTES, `${arena.recordBytes}`);
    assert.equal(arena.check(), 0);
    assert.throws(() => arena.apply(put("more", new Uint8Array(1 << 20), 1)), {
      code: "too-large",
    });
    assert.equal([...arena.range("")].length, keys);
    assert.equal(arena.check(), 0);
  });

  test("still removes, and takes as much again in the place of what was removed", () => {
    const arena = new Arena({ seed: 1, maxBytes: MAX_BYTES });
    const keys = fill(arena);
    for (let round = 0; round < 3; round += 1) {
      take(arena, bodyOf([...arena.range("")].map(({ key }) => del(key, 2))));
      assert.equal(arena.size, 0);
      assert.equal(arena.check(), 0);
      assert.ok(fill(arena) > 0.95 * keys);
    }
  });

  test("always has room for a quarter of a mebibyte of removals", () => {
    for (let extra = 0; extra < 10; extra += 1) {
      const arena = new Arena({ seed: 1, maxBytes: MAX_BYTES + extra * 70_000 });
      const keys = fill(arena);
      const removals = [65_535, 65_535, 65_535, 45_000].map((length) => del("k".repeat(length), 1));
      take(arena, bodyOf([...removals, del("key-1", 1)]));
      assert.equal(arena.size, keys - 1);
    }
  });

  test("names the remedies", () => {
    const arena = new Arena({ seed: 1, maxBytes: MAX_BYTES });
    fill(arena);
    assert.throws(
      () => arena.apply(put("more", new Uint8Array(2 << 20), 1)),
      (error) => isMillpondError(error, "too-large") && /scope.*store/.test(error.hint ?? ""),
    );
  });
});

test("an arena is cleared and used again", () => {
  const arena = new Arena({ seed: 1 });
  for (let number = 0; number < 5000; number += 1) arena.apply(put(`key-${number * 7919}`, "v", 1));
  const open = arena.range("");
  open.next();
  arena.apply(del("key-0", 2));
  arena.clear();
  assert.equal(open.next().done, true);
  assert.equal(arena.size, 0);
  assert.equal(arena.recordBytes, 0);
  assert.equal(arena.get("key-7919"), undefined);
  arena.apply({ kind: "put", key: "a", value: Uint8Array.of(1), version: VersionToken.unknown });
  assert.deepEqual(told(arena.range("")), ["a=\u0001@"]);
  assert.equal(arena.check(), 0);
});

test("an arena refuses options out of bounds", () => {
  assert.throws(() => new Arena({ seed: 1, maxBytes: 1 << 20 }), { code: "invalid-argument" });
  assert.throws(() => new Arena({ seed: 1, maxBytes: Number.NaN }), { code: "invalid-argument" });
  assert.throws(() => new Arena({ seed: 0.5 }), { code: "invalid-argument" });
});
