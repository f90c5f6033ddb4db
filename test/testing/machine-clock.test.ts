import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { MachineClock } from "../../src/testing/simulation/machine-clock.js";

describe("the clock of a machine", () => {
  test("says whole milliseconds, and what somebody sets it to, while its timers go by the common time", () => {
    const base = new ManualClock(1000.75);
    let aheadMs = 0;
    const clock = new MachineClock(base, () => aheadMs);
    assert.equal(clock.now(), 1000);
    const fired: number[] = [];
    clock.schedule(50, () => fired.push(base.now()));
    const steady = clock.steady();
    aheadMs = -500;
    assert.equal(clock.now(), 500);
    assert.equal(clock.steady(), steady);
    base.advance(49);
    assert.deepEqual(fired, []);
    base.advance(1);
    assert.deepEqual(fired, [1050.75]);
    assert.equal(clock.steady(), steady + 50);
  });

  test("never fires a timer that was called off, or whose process was killed, and takes none from it any more", () => {
    const base = new ManualClock();
    const [clock, other] = [new MachineClock(base), new MachineClock(base)];
    const fired: string[] = [];
    clock.schedule(1, () => fired.push("called off"))();
    clock.schedule(2, () => fired.push("before the kill"));
    clock.schedule(5, () => fired.push("after the kill"));
    other.schedule(5, () => fired.push("another process"));
    base.advance(3);
    clock.kill();
    clock.schedule(1, () => fired.push("of a dead process"));
    base.advance(10);
    assert.deepEqual(fired, ["before the kill", "another process"]);
    assert.equal(base.waiting, 0);
  });
});

describe("time that is told to pass", () => {
  test("knows when the next callback is due, and runs one at a time, at its time and in the order of their making", () => {
    const clock = new ManualClock(0);
    const fired: string[] = [];
    const note = (name: string) => (): void => void fired.push(`${name} at ${clock.now()}`);
    assert.equal(clock.nextDue, undefined);
    assert.equal(clock.runNext(), false);
    clock.schedule(20, note("late"));
    clock.schedule(10, note("one"));
    clock.schedule(10, note("other"));
    const callOff = clock.schedule(5, note("called off"));
    assert.equal(clock.nextDue, 5);
    callOff();
    assert.deepEqual([clock.nextDue, clock.waiting], [10, 3]);
    while (clock.runNext());
    assert.deepEqual(fired, ["one at 10", "other at 10", "late at 20"]);
    assert.deepEqual([clock.nextDue, clock.waiting, clock.now()], [undefined, 0, 20]);
  });
});
