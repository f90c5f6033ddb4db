import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { compareKeys } from "../../src/rules/key-order.js";
import { seedOfRun } from "../support/seed.js";

test("keys are ordered as their UTF-8 bytes are", () => {
  const keys = fc.string({ unit: "binary", maxLength: 6 });
  fc.assert(
    fc.property(keys, keys, (a, b) => {
      const byBytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
      assert.equal(Math.sign(compareKeys(a, b)), byBytes);
    }),
    { seed: seedOfRun(), numRuns: 5000 },
  );
  assert.ok(compareKeys("\u{1F600}", "\u{FFFD}") > 0);
  assert.ok(compareKeys("a", "a\0") < 0);
});
