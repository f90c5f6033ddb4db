import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ServerTime } from "../../src/replica/server-time.js";
import { ManualClock } from "../../src/testing/manual-clock.js";

describe("the bucket's time", () => {
  test("stays what it was where a source tells none", () => {
    const clock = new ManualClock(10_000);
    const time = new ServerTime(clock);
    time.heard(Number.NaN, clock.now());
    assert.deepEqual([time.offsetMs, time.now()], [undefined, 10_000]);
    time.heard(12_000, clock.now());
    time.heard(Number.NaN, clock.now());
    time.heard(Infinity, clock.now());
    assert.deepEqual([time.offsetMs, time.now()], [2000, 12_000]);
  });
});
