import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MillpondError } from "../../src/errors/index.js";
import {
  isBehindFlow,
  isRolledBack,
  judgeKey,
  retryPace,
  sameRecord,
} from "../../src/rules/index.js";
import { type KvEntry, VersionToken, WatchCursor } from "../../src/values/index.js";

function entry(changes: Partial<KvEntry> = {}): KvEntry {
  const version = VersionToken.fromU64(7);
  return { key: "k", value: Uint8Array.of(1, 2), version, timeMs: 1000, ...changes };
}

function record(revision: number, kind: "put" | "delete" = "put") {
  return { kind, version: VersionToken.fromU64(revision), timeMs: 1000 };
}

describe("a record that is delivered again", () => {
  test("is the one held where all of it is the same", () => {
    assert.ok(sameRecord(entry(), entry()));
    assert.ok(sameRecord(entry({ ttlMs: 5 }), entry({ ttlMs: 5 })));
    assert.ok(sameRecord({ ...entry(), value: Buffer.from([1, 2]) }, entry()));
  });

  for (const [what, change] of Object.entries<Partial<KvEntry>>({
    version: { version: VersionToken.fromU64(8) },
    "unknown version": { version: VersionToken.unknown },
    time: { timeMs: 1001 },
    "time to live": { ttlMs: 5 },
    "value of the same length": { value: Uint8Array.of(1, 3) },
    "longer value": { value: Uint8Array.of(1, 2, 3) },
  })) {
    test(`is another with another ${what}`, () => {
      assert.ok(!sameRecord(entry(), entry(change)));
    });
  }

  test("is the one held where either does not know its time", () => {
    const { timeMs: _, ...timeless } = entry();
    assert.ok(sameRecord(timeless, entry()));
    assert.ok(sameRecord(entry(), timeless));
  });

  test("is not known to be the one held where neither has a version", () => {
    const nameless = entry({ version: VersionToken.unknown });
    assert.ok(!sameRecord(nameless, nameless));
  });

  test("is the one held where only the copy knows a time to live", () => {
    assert.ok(sameRecord(entry({ ttlMs: 5 }), entry()));
  });
});

describe("a stream is rolled back", () => {
  test("where the record at the position has another time, to the millisecond", () => {
    assert.ok(!isRolledBack(1_000_999_999n, { timeMs: 1000 }));
    assert.ok(isRolledBack(1_001_000_000n, { timeMs: 1000 }));
    assert.ok(isRolledBack(999_999_999n, { timeMs: 1000 }));
  });

  test("not for want of knowledge", () => {
    assert.ok(!isRolledBack(0n, { timeMs: 1000 }));
    assert.ok(!isRolledBack(5n, {}));
    assert.ok(!isRolledBack(5n, undefined));
  });
});

describe("a key in an audit", () => {
  test("is the same, missing, stale or extra", () => {
    assert.equal(judgeKey(entry(), record(7)), "same");
    assert.equal(judgeKey(undefined, undefined), "same");
    assert.equal(judgeKey(undefined, record(9, "delete")), "same");
    assert.equal(judgeKey(undefined, record(7)), "missing");
    assert.equal(judgeKey(entry(), record(8)), "stale");
    assert.equal(judgeKey(entry(), record(6)), "stale");
    assert.equal(judgeKey(entry({ timeMs: 5 }), record(7)), "stale");
    assert.equal(judgeKey(entry(), record(8, "delete")), "extra");
    assert.equal(judgeKey(entry(), undefined), "extra");
  });

  test("is mended beside the flow only from what the flow has passed", () => {
    const position = WatchCursor.fromU64(7);
    assert.ok(isBehindFlow(VersionToken.fromU64(7), position));
    assert.ok(!isBehindFlow(VersionToken.fromU64(8), position));
    assert.ok(!isBehindFlow(VersionToken.unknown, position));
  });
});

describe("a source is tried again", () => {
  const limits = { minMs: 100, maxMs: 5000 };

  test("every second at first where only a person can mend it, and calmly after half a minute", () => {
    const gone = new MillpondError("bucket-not-found", "gone");
    assert.deepEqual(retryPace(gone, limits, 29_999), { minMs: 100, maxMs: 1000 });
    assert.deepEqual(retryPace(gone, limits, 30_000), { minMs: 100, maxMs: 30_000 });
  });

  test("as it was told to where time may mend it", () => {
    assert.equal(retryPace(new MillpondError("timeout", "late"), limits, 60_000), limits);
  });

  test("never more often than it was told to", () => {
    const slow = { minMs: 60_000, maxMs: 60_000 };
    const refused = new MillpondError("authorization", "no");
    assert.deepEqual(retryPace(refused, slow, 0), slow);
    assert.deepEqual(retryPace(refused, slow, 60_000), slow);
  });
});
