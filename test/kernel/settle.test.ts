import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Arena } from "../../src/kernel/index.js";
import type { Random } from "../../src/platform/index.js";
import type { KvUpdate } from "../../src/values/index.js";
import { EntryModel } from "../support/entry-model.js";
import { bodyOf } from "../support/record-batch.js";
import { integerBelow, randomFrom, seedOfRun } from "../support/seed.js";
import { del, put, told } from "../support/updates.js";

/** What keys begin with; the later ones share less and less. */
const STARTS = ["tenant.region-1.service.", "tenant.region-2.", "tenant.", "t", "", "ü."];

function someUpdates(random: Random, count: number, starts: number): KvUpdate[] {
  return Array.from({ length: count }, (_, index) => {
    const start = STARTS[integerBelow(random, starts)] as string;
    const key = `${start}${integerBelow(random, 8000)}`;
    return integerBelow(random, 4) === 0 ? del(key, 1) : put(key, `value ${index}`, index);
  });
}

function take(arena: Arena, model: EntryModel, updates: readonly KvUpdate[]): void {
  arena.stage(bodyOf(updates));
  arena.commit();
  for (const update of updates) model.apply(update);
}

/** Beyond what an empty one has in use. */
function bytesUsed({ memoryBytes, freeBytes }: Arena): number {
  const empty = new Arena({ seed: 1 });
  return memoryBytes - freeBytes - (empty.memoryBytes - empty.freeBytes);
}

describe("putting keys into order", () => {
  test("leaves out none and doubles none, whatever comes and goes between its steps", () => {
    const seed = seedOfRun();
    const random = randomFrom(seed);
    const arena = new Arena({ seed });
    const model = new EntryModel();
    for (let round = 0; round < 9; round += 1) {
      const starts = 1 + Math.min(round >>> 1, STARTS.length - 1);
      take(arena, model, someUpdates(random, integerBelow(random, 7000), starts));
      for (let step = 0; step < 8; step += 1) {
        arena.settle(integerBelow(random, 1000));
        take(arena, model, someUpdates(random, integerBelow(random, 400), starts));
        const message = `MILLPOND_SEED=${seed}, round ${round}, step ${step}`;
        assert.equal(arena.check(), 0, message);
      }
      const prefix = STARTS[integerBelow(random, STARTS.length)] as string;
      const message = `MILLPOND_SEED=${seed}, round ${round}`;
      assert.deepEqual(told(arena.range(prefix)), told(model.range(prefix)), message);
      assert.equal(arena.check(), 0, message);
      assert.deepEqual(told(arena.range("")), told(model.range("")), message);
      assert.equal(arena.settle(0), true, message);
      assert.equal(arena.check(), 0, message);
    }
  });

  test("is done for a range where it reads, and left for later elsewhere", () => {
    const seed = seedOfRun();
    const random = randomFrom(seed);
    const arena = new Arena({ seed });
    const model = new EntryModel();
    // Some wait in sorted chunks, some of which have gaps by now, and some in the chunk that is being filled.
    take(arena, model, someUpdates(random, 15_000, STARTS.length));
    take(arena, model, someUpdates(random, 500, STARTS.length));
    for (const prefix of ["tenant.region-2.1", "ü.", "tenant.region-1.service.79", "none"]) {
      const message = `MILLPOND_SEED=${seed}, ${prefix}`;
      const before = arena.unsettled;
      const wanted = told(model.range(prefix));
      assert.deepEqual(told(arena.range(prefix)), wanted, message);
      const settled = before - arena.unsettled;
      assert.ok(settled <= wanted.length && (settled > 0 || wanted.length === 0), message);
      assert.deepEqual(told(arena.range(prefix)), wanted, message);
      assert.equal(arena.unsettled, before - settled, message);
      assert.equal(arena.check(), 0, message);
    }
    assert.deepEqual(told(arena.range("")), told(model.range("")), `MILLPOND_SEED=${seed}`);
  });

  test("is done at once for a range that most of it belongs to", () => {
    const arena = new Arena({ seed: 1 });
    const model = new EntryModel();
    const keys = Array.from({ length: 6000 }, (_, index) => `all.${(index * 7919) % 6000}`);
    take(arena, model, [put("b", "", 1), put("a", "", 1)]);
    take(
      arena,
      model,
      keys.map((key) => put(key, "", 1)),
    );
    assert.deepEqual(told(arena.range("all.")), told(model.range("all.")));
    assert.equal(arena.unsettled, 0);
    assert.equal(arena.check(), 0);
  });

  test("ends after a number of steps that is known, in leaves that are full", () => {
    const keys = 50_000;
    const arena = new Arena({ seed: 1 });
    for (let from = 0; from < keys; from += 1000) {
      // 7919 is prime to the count: keys come in no order.
      const numbers = Array.from({ length: 1000 }, (_, index) => ((from + index) * 7919) % keys);
      arena.stage(bodyOf(numbers.map((number) => put(String(number).padStart(8, "0"), "", 1))));
      arena.commit();
    }
    let steps = 1;
    while (!arena.settle(1000)) steps += 1;
    assert.ok(steps <= 1 + (keys + keys / 4) / 1000 + 2, `${steps}`);
    assert.equal(arena.check(), 0);
    const listed = Array.from(arena.range(""), ({ key }) => Number(key));
    assert.deepEqual(
      listed,
      Array.from({ length: keys }, (_, index) => index),
    );
    const beside = (bytesUsed(arena) - arena.recordBytes) / keys;
    assert.ok(beside < 28, `${beside}`);
  });

  test("gives all memory back when all that waits is removed half way", () => {
    const arena = new Arena({ seed: 1 });
    const model = new EntryModel();
    const random = randomFrom(5);
    for (const settled of [0, 1, 500, 3000]) {
      take(arena, model, someUpdates(random, 10_000, 3));
      arena.settle(settled);
      take(
        arena,
        model,
        model.range("").map(({ key }) => del(key, 2)),
      );
      assert.equal(arena.size, 0);
      assert.equal(arena.settle(0), true);
      assert.equal(arena.check(), 0);
    }
    assert.ok(bytesUsed(arena) < 300_000, `${bytesUsed(arena)}`);
    assert.deepEqual([...arena.range("")], []);
  });
});
