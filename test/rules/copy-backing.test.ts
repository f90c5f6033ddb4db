import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { bucketAccountsFor, resumeIsSound } from "../../src/rules/index.js";

const FEW = 4;

/** Every history of a stream of one record a key, of up to `FEW` records, and every set of them that is still kept. */
function* everyStream(): Iterable<{ keys: string[]; kept: number[]; last: number }> {
  for (let last = 0; last <= FEW; last += 1) {
    for (let names = 0; names < 3 ** last; names += 1) {
      // The key of each sequence, read off as a number of base 3.
      const keys = Array.from({ length: last }, (_, at) => "abc"[Math.floor(names / 3 ** at) % 3]!);
      for (let bits = 0; bits < 2 ** last; bits += 1) {
        const kept = keys.map((_, at) => at + 1).filter((at) => (bits & (1 << (at - 1))) !== 0);
        yield { keys, kept, last };
      }
    }
  }
}

describe("whether a bucket accounts for a copy", () => {
  test("is denied to a copy with keys exactly where it has more of them than records, or all are newer", () => {
    for (let keys = 0; keys <= FEW; keys += 1) {
      for (let records = 0; records <= FEW; records += 1) {
        for (let revision = 0n; revision <= FEW; revision += 1n) {
          for (let firstSequence = 1n; firstSequence <= FEW + 1; firstSequence += 1n) {
            const expected = keys === 0 || (keys <= records && firstSequence <= revision);
            const copy = { keys, revision };
            const what = JSON.stringify({ keys, records, at: `${revision} ${firstSequence}` });
            assert.equal(bucketAccountsFor(copy, { firstSequence, records }), expected, what);
          }
        }
      }
    }
  });

  test("goes by the number of keys alone where a position is no sequence", () => {
    const copy = { keys: 2, revision: undefined };
    assert.ok(bucketAccountsFor(copy, { firstSequence: 9n, records: 2 }));
    assert.ok(!bucketAccountsFor(copy, { firstSequence: 9n, records: 1 }));
  });

  test("is never denied for want of records while each key keeps its last one", () => {
    for (const { keys, kept, last } of everyStream()) {
      const lasts = new Set(keys.map((key) => keys.lastIndexOf(key) + 1));
      if (![...lasts].every((at) => kept.includes(at))) continue;
      const firstSequence = BigInt(kept[0] ?? last + 1);
      for (let at = 0; at <= last; at += 1) {
        const copy = { keys: new Set(keys.slice(0, at)).size, revision: BigInt(at) };
        const denied = !bucketAccountsFor(copy, { firstSequence, records: kept.length });
        assert.equal(denied, copy.keys > 0 && firstSequence > at, `${keys.join("")} at ${at}`);
      }
    }
  });

  test("is denied wherever all that the copy was made from has gone, while its position looks sound", () => {
    for (const { keys, kept, last } of everyStream()) {
      const firstSequence = BigInt(kept[0] ?? last + 1);
      for (let at = 1; at < Number(firstSequence); at += 1) {
        const revision = BigInt(at);
        if (!resumeIsSound(revision, { firstSequence, lastSequence: BigInt(last) })) continue;
        const copy = { keys: new Set(keys.slice(0, at)).size, revision };
        assert.ok(!bucketAccountsFor(copy, { firstSequence, records: kept.length }));
      }
    }
  });
});
