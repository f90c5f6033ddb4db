import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import type { Fault } from "./fault.js";
import { withEdit } from "./fault.js";
import { faults } from "./faults/index.js";
import { runSeeds } from "./run-seeds.js";

/** What is run here: the least that gives these away. `npm run teeth` looks for all of them. */
const SEEDS = { first: 1, last: 10, steps: 500 };
const QUICKLY_FOUND = [
  "cursor-before-apply",
  "stale-answer-given",
  "as-of-when-written",
  "previous-of-batch-forgotten",
  "state-sync-skips-history",
];

function faultOf(id: string): Fault {
  const fault = faults.find((one) => one.id === id);
  assert.ok(fault !== undefined, id);
  return fault;
}

describe("a deliberate fault", () => {
  test("has a name of its own", () => {
    assert.equal(new Set(faults.map(({ id }) => id)).size, faults.length);
  });

  for (const { id, edits } of faults) {
    test(`can be put into what is built: ${id}`, () => {
      for (const edit of edits) {
        const source = readFileSync(new URL(`../../../src/${edit.file}`, import.meta.url), "utf8");
        assert.notEqual(withEdit(source, edit), source);
      }
    });
  }

  test("is refused where its text is not there, or twice", () => {
    const edit = { file: "a.js", find: "b (c)", replace: "" };
    assert.equal(withEdit("a b\n   (c) d", edit), "a  d");
    for (const source of ["a", "b (c) b (c)"]) assert.throws(() => withEdit(source, edit));
  });

  for (const id of QUICKLY_FOUND) {
    test(`is found by the simulator: ${id}`, async () => {
      assert.notEqual((await runSeeds(faultOf(id), SEEDS)).finding, undefined);
    });
  }

  test("is all that is found: the same seeds find nothing in the code as it is", async () => {
    assert.equal((await runSeeds(undefined, SEEDS)).finding, undefined);
  });
});
