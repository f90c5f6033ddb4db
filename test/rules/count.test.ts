import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { auditIsDue, countGap, countVerdict, type KnownCount } from "../../src/rules/index.js";

const exact = (sure: number, unsure = 0): KnownCount => ({ sure, unsure, isExact: true });
const inexact = (sure: number): KnownCount => ({ sure, unsure: 0, isExact: false });

describe("a count of keys", () => {
  test("is equal only where all is known and nothing came meanwhile", () => {
    assert.equal(countVerdict(exact(3), exact(3), 3), "equal");
    assert.equal(countVerdict(exact(0), exact(0), 0), "equal");
    assert.equal(countVerdict(inexact(3), inexact(3), 3), "unproven");
    assert.equal(countVerdict(inexact(3), exact(3), 3), "unproven");
    assert.equal(countVerdict(exact(3), inexact(3), 3), "unproven");
  });

  test("differs where the bucket has fewer than were known, whatever else is not", () => {
    assert.equal(countVerdict(exact(3), exact(3), 2), "differs");
    assert.equal(countVerdict(inexact(3), inexact(9), 2), "differs");
  });

  test("differs where the bucket has more than is known after all has been applied", () => {
    assert.equal(countVerdict(exact(3), exact(3), 4), "differs");
  });

  test("proves nothing where keys came while it was taken: they may stand in for lost ones", () => {
    for (const records of [3, 4, 5]) {
      assert.equal(countVerdict(exact(3), exact(5), records), "unproven");
    }
  });

  test("leaves room for what expires about now, and proves nothing where that is needed", () => {
    assert.equal(countVerdict(exact(3, 1), exact(3, 1), 3), "unproven");
    assert.equal(countVerdict(exact(3, 1), exact(3, 1), 4), "equal");
    assert.equal(countVerdict(exact(3, 1), exact(3, 1), 5), "differs");
    assert.equal(countVerdict(exact(3, 1), exact(3, 1), 2), "differs");
  });

  test("never hides a loss: every small history in which records were lost is not called equal", () => {
    // K known before; of them `lost` gone from the bucket; `added` keys come until the answer is applied, `counted` of them before it.
    for (let known = 0; known <= 4; known += 1) {
      for (let lost = 1; lost <= known; lost += 1) {
        for (let added = 0; added <= 3; added += 1) {
          for (let counted = 0; counted <= added; counted += 1) {
            const verdict = countVerdict(
              exact(known),
              exact(known + added),
              known - lost + counted,
            );
            assert.notEqual(verdict, "equal", JSON.stringify({ known, lost, added, counted }));
          }
        }
      }
    }
  });
});

describe("the gap of a count", () => {
  test("is what it is off by, and nothing where it does not differ", () => {
    assert.equal(countGap(exact(3), exact(5), 1), -2);
    assert.equal(countGap(exact(3, 1), exact(3, 1), 6), 2);
    assert.equal(countGap(exact(3, 1), exact(3, 1), 3), 0);
    assert.equal(countGap(exact(3), exact(3), 3), 0);
  });
});

describe("an audit is due", () => {
  test("where a count differs, or can never prove anything", () => {
    assert.ok(auditIsDue("differs", true, 0));
    assert.ok(auditIsDue("unproven", false, 1));
    assert.ok(!auditIsDue("equal", true, 0));
  });

  test("where several in a row proved nothing", () => {
    assert.deepEqual(
      [1, 2, 3, 4].map((inRow) => auditIsDue("unproven", true, inRow)),
      [false, false, true, true],
    );
  });
});
