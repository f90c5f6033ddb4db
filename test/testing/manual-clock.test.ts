import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { nextTurn, sleep } from "../../src/platform/index.js";
import { ManualClock } from "../../src/testing/index.js";

const refused = (error: unknown): boolean => isMillpondError(error, "invalid-argument");

describe("a clock that is told to run", () => {
  test("lets what waits for it go on before the next appointment is kept", async () => {
    const clock = new ManualClock(0);
    const seen: string[] = [];
    const note = (what: string): void => void seen.push(`${what}@${clock.now()}`);
    const ticking = (async () => {
      for (let tick = 1; tick <= 3; tick += 1) {
        await sleep(clock, 100);
        note(`tick ${tick}`);
        await nextTurn();
        note(`tock ${tick}`);
      }
    })();
    clock.schedule(250, () => note("between"));
    await clock.run(299);
    note("stopped");
    assert.deepEqual(seen, [
      "tick 1@100",
      "tock 1@100",
      "tick 2@200",
      "tock 2@200",
      "between@250",
      "stopped@299",
    ]);
    await clock.run(1);
    await ticking;
    assert.equal(clock.now(), 300);
  });

  test("stops as soon as what it waits for is true, and says where it was not in time", async () => {
    const clock = new ManualClock(0);
    let done = false;
    const work = sleep(clock, 70).then(() => (done = true));
    assert.equal(await clock.runUntil(() => done, 60), false);
    assert.equal(clock.now(), 60);
    clock.schedule(500, () => undefined);
    assert.equal(await clock.runUntil(() => done, 60), true);
    assert.equal(clock.now(), 70);
    assert.equal(clock.waiting, 1);
    await work;
  });

  test("refuses a span that is none, and stays where it is", async () => {
    const clock = new ManualClock(0);
    for (const ms of [-5, Number.NaN, Infinity]) {
      assert.throws(() => clock.advance(ms), refused, `advance(${ms})`);
      await assert.rejects(clock.run(ms), refused, `run(${ms})`);
      await assert.rejects(
        clock.runUntil(() => true, ms),
        refused,
        `runUntil(${ms})`,
      );
    }
    assert.equal(clock.now(), 0);
  });

  test("hours of appointments by the second take no time", async () => {
    const clock = new ManualClock(0);
    let seconds = 0;
    const tick = (): void => {
      seconds += 1;
      clock.schedule(1000, tick);
    };
    clock.schedule(1000, tick);
    await clock.run(2 * 3_600_000, 0);
    assert.equal(seconds, 7200);
  });
});
