import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Arrived } from "../../src/nats/watch-arrivals.js";
import { WatchProgress } from "../../src/nats/watch-progress.js";

function arrived(through: number, more: Partial<Arrived> = {}): Arrived {
  const base = {
    updates: [],
    gap: false,
    idle: false,
    pending: 0,
    complete: true,
    heardAtMs: 0,
    last: undefined,
  };
  return { ...base, through, level: 0, ...more };
}

describe("what a watch gives out", () => {
  test("tells a floor only once it was level at or after the end seen in the same look", () => {
    const progress = new WatchProgress(5, 10);
    const look = { first: 8, head: 10 };
    assert.equal(progress.commit(arrived(9, { level: 9 }), look, false).floor, undefined);
    // Past the end, and behind: a key whose record at 9 was replaced at 12 is still to come.
    assert.equal(progress.commit(arrived(11, { level: 9 }), look, false).floor, undefined);
    assert.equal(progress.commit(arrived(12, { level: 12 }), look, false).floor?.toU64(), 8n);
  });

  test("tells a floor once, and none where the stream has its beginning", () => {
    const progress = new WatchProgress(5, 10);
    const level = arrived(10, { level: 10 });
    assert.equal(progress.commit(level, { first: 1, head: 10 }, false).floor, undefined);
    assert.equal(progress.commit(level, { first: 8, head: 10 }, false).floor?.toU64(), 8n);
    assert.equal(progress.commit(level, { first: 8, head: 10 }, false).floor, undefined);
    assert.equal(progress.commit(level, { first: 11, head: 10 }, false).floor?.toU64(), 11n);
  });

  test("is not level where what delivered it was lost since", () => {
    const progress = new WatchProgress(5, 10);
    const window = { first: 1, head: 10 };
    assert.equal(progress.commit(arrived(10), window, true).pending, 1);
    assert.equal(progress.commit(arrived(10), window, false).pending, 0);
  });

  test("has the time of the message at the cursor, and of no other", () => {
    const progress = new WatchProgress(5, 10);
    const window = { first: 1, head: 10 };
    const last = { sequence: 7, timeNs: "1795351190875081963" };
    const first = progress.commit(arrived(7, { last }), window, false);
    assert.equal(first.cursorTimeNs, 1_795_351_190_875_081_963n);
    assert.equal(progress.commit(arrived(9, { last }), window, false).cursorTimeNs, undefined);
  });

  test("remembers the last messages of batches, newest first, and no more than eight", () => {
    const progress = new WatchProgress(undefined, 10);
    for (let sequence = 1; sequence <= 10; sequence += 1) {
      const last = { sequence, timeNs: "1" };
      progress.commit(arrived(sequence, { last }), { first: 1, head: 10 }, false);
    }
    assert.deepEqual(
      progress.known.map(({ sequence }) => sequence),
      [10, 9, 8, 7, 6, 5, 4, 3],
    );
  });

  test("is no beginning of a state-sync until something was delivered or it is complete", () => {
    const progress = new WatchProgress(undefined, 10);
    progress.commit(arrived(0, { complete: false }), { first: 1, head: 10 }, false);
    assert.equal(progress.isUnbegun, true);
    progress.commit(arrived(3, { complete: false }), { first: 1, head: 10 }, false);
    assert.equal(progress.isUnbegun, false);
  });

  test("knows of the message that was seen to be the last one, among those that were delivered", () => {
    const progress = new WatchProgress(5, 10);
    const window = { first: 1, head: 10 };
    const sequences = (): number[] => progress.known.map(({ sequence }) => sequence);
    progress.commit(arrived(7, { last: { sequence: 7, timeNs: "1" } }), window, false);
    progress.saw({ sequence: 9, timeNs: "2" });
    assert.deepEqual(sequences(), [9, 7]);
    progress.commit(arrived(10, { last: { sequence: 10, timeNs: "3" } }), window, false);
    progress.saw(undefined);
    assert.deepEqual(sequences(), [10, 9, 7]);
    progress.saw({ sequence: 10, timeNs: "3" });
    assert.deepEqual(sequences(), [10, 7]);
  });
});
