import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { MachineClock } from "../../src/testing/simulation/machine-clock.js";
import type { WatchEvent } from "../../src/watch/index.js";
import { Gate } from "../support/gate.js";
import { batchOf, put } from "../support/scripted-source.js";
import { startWatching, turns, type Watching } from "../support/watching.js";

type Progress = Extract<WatchEvent, { readonly type: "progress" }>;

function lastProgress({ events }: Watching): Progress | undefined {
  return events.findLast((event): event is Progress => event.type === "progress");
}

const level = { pending: 0, caughtUp: true };

describe("a word that the copy is level", () => {
  test("is as old as its taking, whatever its batch, apply and the store took since", async () => {
    const gate = new Gate();
    await using watching = startWatching({ batch: { windowMs: 20 }, apply: () => gate.pass() });
    await turns();
    watching.source.current.give(batchOf([put("a", 1)], level));
    await turns();
    const takenAt = watching.clock.now();
    watching.clock.advance(20);
    await turns();
    watching.clock.advance(30_000);
    gate.open();
    await turns(10);
    assert.equal(lastProgress(watching)?.takenAt, takenAt);
  });

  test("stays as old where the clock was set back since, and has come to a later time again", async () => {
    const time = new ManualClock();
    let aheadMs = 0;
    const clock = new MachineClock(time, () => aheadMs);
    const gate = new Gate();
    await using watching = startWatching({ clock, apply: () => gate.pass() });
    await turns();
    watching.source.current.give(batchOf([put("a", 1)], level));
    await turns();
    const takenAt = clock.now();
    time.advance(20);
    await turns();
    aheadMs = -5000;
    time.advance(30_000);
    gate.open();
    await turns(10);
    assert.equal(lastProgress(watching)?.takenAt, takenAt - 5000);
  });

  test("is as old as the source says that it is, where it waited there", async () => {
    await using watching = startWatching();
    await turns();
    const heardAtMs = watching.clock.now() - 5_000;
    watching.source.current.give(batchOf([put("a", 1)], { ...level, heardAtMs }));
    await turns();
    watching.clock.advance(10);
    await turns(10);
    assert.equal(lastProgress(watching)?.takenAt, heardAtMs);
  });
});
