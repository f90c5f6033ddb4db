import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Arena } from "../../src/kernel/index.js";
import { KeyOrder } from "../../src/store/key-order.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { bodyOf } from "../support/record-batch.js";
import { put } from "../support/updates.js";

const BATCH = 1000;

function ordering(waitingMax?: number): {
  arena: Arena;
  clock: ManualClock;
  order: KeyOrder;
  add: () => void;
} {
  const arena = new Arena({ seed: 1 });
  const clock = new ManualClock();
  const order = new KeyOrder(arena, clock, waitingMax);
  let added = 0;
  const add = (): void => {
    const numbers = Array.from({ length: BATCH }, (_, index) => added + index);
    // 7919 is prime to the modulus: keys come in no order, and none comes twice.
    arena.stage(bodyOf(numbers.map((number) => put(`k${(number * 7919) % 1_000_003}`, "", 1))));
    arena.commit();
    added += BATCH;
    order.came(BATCH);
  };
  return { arena, clock, order, add };
}

describe("the order of a store's keys", () => {
  test("waits while batches come, and is made in slices once none has come for a while", () => {
    const { arena, clock, add } = ordering();
    for (let batch = 0; batch < 5; batch += 1) add();
    const waiting = arena.unsettled;
    assert.ok(waiting > 4 * BATCH);
    clock.advance(20);
    assert.equal(arena.unsettled, waiting, "a batch had come since the last look");
    clock.advance(20);
    assert.ok(arena.unsettled < waiting);
    let slices = 1;
    for (; clock.waiting > 0; slices += 1) clock.advance(1);
    assert.equal(arena.unsettled, 0);
    assert.ok(slices > 4, `${slices}`);
  });

  test("is not left for later without a bound", () => {
    const { arena, add } = ordering(20_000);
    for (let batch = 0; batch < 60; batch += 1) {
      add();
      assert.ok(arena.unsettled <= 20_000 + BATCH, `${arena.unsettled}`);
    }
  });

  test("is made before it is waited for, and not touched again after the end", async () => {
    const { arena, clock, order, add } = ordering();
    add();
    await order.finish();
    assert.equal(arena.unsettled, 0);
    add();
    order.close();
    assert.equal(clock.waiting, 0);
  });
});
