import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SilenceWatch } from "../../src/replica/silence.js";
import { ManualClock } from "../../src/testing/manual-clock.js";

const SECOND = 1000;

function open(): { clock: ManualClock; watch: SilenceWatch; silences: () => number } {
  const clock = new ManualClock();
  let count = 0;
  const watch = new SilenceWatch(clock, () => (count += 1));
  return { clock, watch, silences: () => count };
}

const TICK = 250;

/** Every timer in its time, as a machine that is not overloaded runs them. */
function pass(clock: ManualClock, seconds: number): void {
  for (let passed = 0; passed < seconds * SECOND; passed += TICK) clock.advance(TICK);
}

describe("silence of a source", () => {
  test("is noticed after two and a half seconds, where the source had told that nothing happens", () => {
    const { clock, watch, silences } = open();
    watch.heard(true);
    pass(clock, 2.25);
    assert.equal(silences(), 0);
    watch.heard(false);
    pass(clock, 2.25);
    assert.equal(silences(), 0);
    pass(clock, 0.25);
    assert.equal(silences(), 1);
  });

  test("of a source that never told so is none", () => {
    const { clock, watch, silences } = open();
    watch.heard(false);
    pass(clock, 60);
    assert.equal(silences(), 0);
    assert.equal(clock.waiting, 0);
  });

  test("is none while this process did not get its turn, or its clock was set", () => {
    let now = 0;
    let due: (() => void) | undefined;
    const schedule = (_: number, callback: () => void): (() => void) => {
      due = callback;
      return () => undefined;
    };
    let silences = 0;
    const watch = new SilenceWatch({ now: () => now, schedule }, () => (silences += 1));
    watch.heard(true);
    // Each timer fires long after its time.
    for (let count = 0; count < 5; count += 1) {
      now += 60 * SECOND;
      due?.();
    }
    assert.equal(silences, 0);
  });

  test("is not waited for once it has been stopped", () => {
    const { clock, watch, silences } = open();
    watch.heard(true);
    watch.stop();
    pass(clock, 60);
    assert.deepEqual([silences(), clock.waiting], [0, 0]);
  });
});
