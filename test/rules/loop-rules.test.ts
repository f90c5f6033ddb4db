import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MillpondError } from "../../src/errors/index.js";
import {
  backoffDelay,
  hasReached,
  isBeyondRetry,
  isSetupMistake,
  laterCursor,
  mayResume,
} from "../../src/rules/index.js";
import { WatchCursor } from "../../src/values/index.js";

function at(revision: bigint): WatchCursor {
  return WatchCursor.fromU64(revision);
}

describe("the later of two positions", () => {
  test("is the higher one, past 2^53 too", () => {
    assert.equal(laterCursor(at(255n), at(256n)).toU64(), 256n);
    assert.equal(laterCursor(at(256n), at(255n)).toU64(), 256n);
    const high = (1n << 64n) - 2n;
    assert.equal(laterCursor(at(high), at(high + 1n)).toU64(), high + 1n);
  });

  test("is the one that is known", () => {
    assert.equal(laterCursor(WatchCursor.none, at(1n)).toU64(), 1n);
    assert.equal(laterCursor(at(1n), WatchCursor.none).toU64(), 1n);
  });

  test("of ten bytes is by their bytes", () => {
    const low = WatchCursor.fromHex("00000000000000000001");
    const high = WatchCursor.fromHex("00000000000000000100");
    assert.equal(laterCursor(high, low), high);
    assert.equal(laterCursor(low, high), high);
  });
});

describe("a position is reached", () => {
  test("by itself and by what comes later, and nothing is by none", () => {
    const hex = WatchCursor.fromHex.bind(WatchCursor);
    assert.ok(hasReached(at(5n), at(5n)));
    assert.ok(hasReached(at(6n), at(5n)));
    assert.ok(!hasReached(at(4n), at(5n)));
    assert.ok(!hasReached(WatchCursor.none, at(5n)));
    assert.ok(!hasReached(WatchCursor.none, WatchCursor.none));
    assert.ok(hasReached(hex("0100"), hex("0001")));
    assert.ok(!hasReached(hex("0001"), hex("0100")));
  });
});

describe("a kept position", () => {
  const monday = { bucket: "b", created: "monday", scope: ["a.", "b."] };

  test("may be resumed in the same making of the same bucket with the same scope", () => {
    assert.equal(mayResume(monday, { ...monday, scope: ["a.", "b."] }), "yes");
  });

  test("may not be resumed anywhere else", () => {
    assert.equal(mayResume(undefined, monday), "unknown-origin");
    assert.equal(mayResume(monday, { ...monday, bucket: "c" }), "other-bucket");
    assert.equal(mayResume(monday, { ...monday, created: "tuesday" }), "bucket-recreated");
    for (const scope of [["a."], ["a.", "b.", "c."], [""], [], ["a.", "c."]]) {
      assert.equal(mayResume(monday, { ...monday, scope }), "other-scope");
    }
  });
});

describe("a wait between attempts", () => {
  const limits = { minMs: 100, maxMs: 5000 };

  test("lies between the least and a ceiling that doubles up to the most", () => {
    assert.deepEqual(
      [1, 2, 3, 6, 7, 1_000_000].map((failures) => backoffDelay(limits, failures, 1)),
      [200, 400, 800, 5000, 5000, 5000],
    );
    assert.equal(backoffDelay(limits, 9, 0), 100);
    assert.equal(backoffDelay(limits, 9, 0.5), 2550);
    assert.equal(backoffDelay({ minMs: 0, maxMs: 5000 }, 1_000_000, 1), 0);
  });
});

describe("a mistake in the set-up", () => {
  test("is what waiting does not mend", () => {
    assert.ok(isSetupMistake(new MillpondError("bucket-not-found", "?")));
    assert.ok(!isSetupMistake(new MillpondError("not-connected", "?")));
    assert.ok(!isSetupMistake(new TypeError("?")));
  });
});

describe("a store's failure that no retry mends", () => {
  test("is that it cannot hold the update", () => {
    assert.ok(isBeyondRetry(new MillpondError("invalid-format", "?")));
    assert.ok(isBeyondRetry(new MillpondError("invalid-argument", "?")));
    for (const code of ["io", "poisoned", "closed"] as const) {
      assert.ok(!isBeyondRetry(new MillpondError(code, "?")));
    }
    assert.ok(!isBeyondRetry(new TypeError("?")));
  });
});
