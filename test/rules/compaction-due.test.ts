import assert from "node:assert/strict";
import { test } from "node:test";
import { isCompactionDue } from "../../src/rules/compaction-due.js";

test("a compaction is due when the dead bytes exceed both the threshold and the live bytes", () => {
  for (const [logBytes, liveBytes, due] of [
    [110, 10, false],
    [111, 10, true],
    [2000, 1000, false],
    [2001, 1000, true],
  ] as const) {
    assert.equal(isCompactionDue({ logBytes, liveBytes, thresholdBytes: 100 }), due);
  }
});

test("after a failure it is due again only when another threshold of bytes was appended", () => {
  const weight = { logBytes: 5000, liveBytes: 10, thresholdBytes: 100 };
  assert.equal(isCompactionDue({ ...weight, sinceFailureBytes: 0 }), false);
  assert.equal(isCompactionDue({ ...weight, sinceFailureBytes: 100 }), false);
  assert.equal(isCompactionDue({ ...weight, sinceFailureBytes: 101 }), true);
});

test("a log of another format is rewritten however small it is, but not at once after a failure", () => {
  const weight = { logBytes: 10, liveBytes: 10, thresholdBytes: 100, needsConversion: true };
  assert.equal(isCompactionDue(weight), true);
  assert.equal(isCompactionDue({ ...weight, sinceFailureBytes: 100 }), false);
  assert.equal(isCompactionDue({ ...weight, sinceFailureBytes: 101 }), true);
});

test("however long it runs, what is rewritten stays below what was appended plus one log", () => {
  const live = 10_000_000;
  let log = live;
  let appended = 0;
  let rewritten = 0;
  for (let step = 0; step < 100_000; step += 1) {
    log += 1000;
    appended += 1000;
    if (!isCompactionDue({ logBytes: log, liveBytes: live, thresholdBytes: 100_000 })) continue;
    rewritten += live;
    log = live;
  }
  assert.ok(rewritten > 0 && rewritten <= appended + live, `${rewritten} of ${appended}`);
});
