import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { gapIsHarmless, resumeIsSound } from "../../src/rules/stream-window.js";

describe("resuming after a revision", () => {
  const window = { firstSequence: 10n, lastSequence: 20n };

  test("is sound exactly from the one before the first record to the last", () => {
    const sound = [];
    for (let revision = 0n; revision <= 25n; revision += 1n) {
      if (resumeIsSound(revision, window)) sound.push(revision);
    }
    assert.deepEqual(sound, [9n, 10n, 11n, 12n, 13n, 14n, 15n, 16n, 17n, 18n, 19n, 20n]);
  });

  test("after the last record of a stream that holds none is sound, after any other is not", () => {
    const emptied = { firstSequence: 21n, lastSequence: 20n };
    assert.equal(resumeIsSound(20n, emptied), true);
    assert.equal(resumeIsSound(19n, emptied), false);
    assert.equal(resumeIsSound(21n, emptied), false);
  });

  test("at the largest u64 is refused and not wrapped to the beginning", () => {
    const u64Max = (1n << 64n) - 1n;
    assert.equal(resumeIsSound(u64Max, { firstSequence: 0n, lastSequence: u64Max }), false);
  });

  test("of a stream that never held a record is sound at 0 only", () => {
    const fresh = { firstSequence: 0n, lastSequence: 0n };
    assert.equal(resumeIsSound(0n, fresh), true);
    assert.equal(resumeIsSound(1n, fresh), false);
    assert.equal(resumeIsSound(-1n, fresh), false);
  });
});

describe("a gap in a live watch", () => {
  test("is harmless while the stream begins at or before the next sequence", () => {
    for (const evicts of [true, false]) {
      assert.equal(gapIsHarmless(9, { firstSequence: 10, evicts }, false), true);
    }
  });

  test("may be a loss where the stream begins later", () => {
    for (const evicts of [true, false]) {
      assert.equal(gapIsHarmless(9, { firstSequence: 11, evicts }, false), false);
    }
  });

  test("that passed while the watch waited is a loss only if the stream drops last records", () => {
    assert.equal(gapIsHarmless(9, { firstSequence: 11, evicts: true }, true), false);
    assert.equal(gapIsHarmless(9, { firstSequence: 11, evicts: false }, true), true);
  });
});
