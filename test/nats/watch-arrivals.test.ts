import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Msg } from "@nats-io/nats-core";
import { allKeys } from "../../src/kv/index.js";
import { WatchArrivals } from "../../src/nats/watch-arrivals.js";

function arrivals(frontier: number, head = frontier): WatchArrivals {
  return new WatchArrivals({
    bucket: "b",
    scope: allKeys,
    emptyValueIsDelete: false,
    frontier,
    head,
    hasTtl: false,
    wake: () => {},
  });
}

function deliver(to: WatchArrivals, streamSequence: number): void {
  const message = { subject: "$KV.b.k", data: Uint8Array.of(1) } as unknown as Msg;
  to.message(message, { streamSequence, consumerSequence: 1, pending: 1, timeMs: 1, timeNs: "1" });
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

  test("has a gap where a heartbeat passes a record, be it one", () => {
    const arrived = arrivals(5);
    arrived.bookmark(6, true);
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
    arrived.bookmark(8, false);
    arrived.bookmark(9, true);
    assert.equal(arrived.take()?.idle, false);
    arrived.bookmark(10, true);
    assert.equal(arrived.take()?.idle, true);
  });
});
