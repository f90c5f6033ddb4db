import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Msg } from "@nats-io/nats-core";
import { allKeys } from "../../src/kv/index.js";
import { WatchArrivals } from "../../src/nats/watch-arrivals.js";
import { type Clock, systemClock } from "../../src/platform/index.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { MachineClock } from "../../src/testing/simulation/machine-clock.js";

function arrivals(frontier: number, head = frontier, clock: Clock = systemClock): WatchArrivals {
  return new WatchArrivals({
    bucket: "b",
    scope: allKeys,
    emptyValueIsDelete: false,
    frontier,
    head,
    hasTtl: false,
    clock,
    wake: () => {},
  });
}

function deliver(to: WatchArrivals, streamSequence: number, heardAtMs = 1): void {
  const message = { subject: "$KV.b.k", data: Uint8Array.of(1) } as unknown as Msg;
  to.message(
    message,
    { streamSequence, consumerSequence: 1, pending: 1, timeMs: 1, timeNs: "1" },
    heardAtMs,
  );
}

describe("what a watch's consumer delivers", () => {
  test("has no gap where each record was delivered", () => {
    const arrived = arrivals(5);
    deliver(arrived, 6);
    deliver(arrived, 7);
    assert.equal(arrived.take()?.gap, false);
    deliver(arrived, 9);
    assert.equal(arrived.take()?.gap, true);
  });

  test("is as old as what was heard last, however late it is taken", () => {
    const arrived = arrivals(5);
    deliver(arrived, 6, 1_000);
    arrived.bookmark(7, true, 2_000);
    assert.equal(arrived.take()?.heardAtMs, 2_000);
    arrived.answered(0, true, 3_000);
    assert.equal(arrived.take()?.heardAtMs, 3_000);
    deliver(arrived, 8, 4_000);
    assert.equal(arrived.take()?.heardAtMs, 4_000);
  });

  test("is older by what the clock was set back while it waited, and what comes then is not", () => {
    const time = new ManualClock();
    let aheadMs = 0;
    const clock = new MachineClock(time, () => aheadMs);
    const arrived = arrivals(5, 5, clock);
    const heardAt = clock.now();
    deliver(arrived, 6, heardAt);
    time.advance(1000);
    aheadMs = -300;
    assert.equal(arrived.take()?.heardAtMs, heardAt - 300);
    deliver(arrived, 7, clock.now());
    assert.equal(arrived.take()?.heardAtMs, clock.now());
  });

  test("has a gap where a heartbeat passes a record, be it one", () => {
    const arrived = arrivals(5);
    arrived.bookmark(6, true, 1);
    const taken = arrived.take();
    assert.deepEqual([taken?.gap, taken?.idle, taken?.through], [true, true, 6]);
  });

  test("has a gap where the stream's end was one further when the watch began", () => {
    const arrived = arrivals(5, 6);
    arrived.completed();
    assert.equal(arrived.take()?.gap, true);
  });

  test("is not idle where no pull was out for a time, until that was taken", () => {
    const arrived = arrivals(5);
    arrived.bookmark(8, false, 1);
    arrived.bookmark(9, true, 1);
    assert.equal(arrived.take()?.idle, false);
    arrived.bookmark(10, true, 1);
    assert.equal(arrived.take()?.idle, true);
  });
});
