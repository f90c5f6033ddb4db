import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { momentOf, systemClock } from "../../src/platform/index.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { MachineClock } from "../../src/testing/simulation/machine-clock.js";

describe("a moment that is kept", () => {
  test("goes back with the wall clock, also where that has come to a later time since", () => {
    const time = new ManualClock();
    let aheadMs = 0;
    const clock = new MachineClock(time, () => aheadMs);
    const began = clock.now();
    const taken = momentOf(clock);
    const heard = momentOf(clock, began - 300);
    time.advance(1000);
    assert.deepEqual([taken(), heard()], [began, began - 300]);
    aheadMs = -50;
    assert.deepEqual([taken(), heard()], [began - 50, began - 350]);
    time.advance(1000);
    assert.deepEqual([taken(), heard()], [began - 50, began - 350]);
  });

  test("stays where the wall clock was set forward, so that it is older by that", () => {
    const time = new ManualClock();
    let aheadMs = 0;
    const clock = new MachineClock(time, () => aheadMs);
    const began = clock.now();
    const taken = momentOf(clock);
    aheadMs = 5000;
    assert.equal(taken(), began);
  });

  test("is what was read where nothing but the wall clock is known, and for rounding", () => {
    const time = new ManualClock();
    const began = time.now();
    const taken = momentOf(time);
    time.advance(10);
    assert.equal(taken(), began);
    let steady = 0;
    const clock = { ...systemClock, now: () => 1000, steady: () => steady };
    const rounded = momentOf(clock);
    steady = 0.9;
    assert.equal(rounded(), 1000);
  });
});
