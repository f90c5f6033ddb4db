import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { KvRecordHead } from "../../src/kv/index.js";
import { type KvRemoval, VersionToken } from "../../src/values/index.js";
import { KnownKeys } from "../../src/watch/known-keys.js";
import { put, removal } from "../support/scripted-source.js";

const limits = { maxAgeMs: undefined, allowsTtl: true };

function expiry(key: string): KvRemoval {
  return { kind: "delete", key, version: VersionToken.unknown, reason: "expired" };
}

/** All is known, and `keys` have expired by the copy's clock. */
function knowing(keys: readonly string[] = []): KnownKeys {
  const known = new KnownKeys(true);
  known.begin();
  known.complete();
  known.note(keys.map(expiry));
  return known;
}

function unsure(known: KnownKeys, timeMs: number): number {
  return known.count(0, limits, timeMs).unsure;
}

describe("keys that the copy let expire", () => {
  test("may be at the bucket for a minute, and for two at most", () => {
    const known = knowing(["a"]);
    assert.equal(unsure(known, 1000), 1);
    known.note([expiry("b")]);
    assert.equal(unsure(known, 60_999), 2);
    assert.equal(unsure(known, 61_000), 1);
    assert.equal(unsure(known, 121_000), 0);
  });

  test("are let go of by an audit that no longer found them", () => {
    const known = knowing(["before"]);
    assert.equal(unsure(known, 1000), 1);
    known.note([expiry("gone"), expiry("listed"), expiry("touched")]);
    known.beginAudit();
    known.note([put("touched", 1), expiry("touched")]);
    const listed = put("listed", 1) as KvRecordHead;
    known.endAudit({
      removed: new Map(),
      differing: new Map([["listed", listed]]),
      leftToExpire: new Set(),
    });
    assert.equal(unsure(known, 1000), 2);
  });

  test("are forgotten where there are more than may be remembered, and no count is exact then", () => {
    const known = knowing(Array.from({ length: 250_000 }, (_, index) => `key${index}`));
    assert.ok(known.isExact);
    known.note([expiry("one more")]);
    assert.ok(!known.isExact);
    assert.equal(unsure(known, 1000), 0);
  });
});

describe("keys that were removed", () => {
  test("are known until an audit lists what there is", () => {
    const known = knowing();
    known.note([removal("a", 1), removal("b", 2)]);
    assert.equal(known.count(0, limits, 1000).sure, 2);
    known.beginAudit();
    known.endAudit({
      removed: new Map([["b", {}]]),
      differing: new Map(),
      leftToExpire: new Set(),
    });
    assert.equal(known.count(0, limits, 1000).sure, 1);
  });

  test("counts what an audit has left to expire as what may be there, also where nobody let it expire before", () => {
    const known = new KnownKeys(true);
    known.beginAudit();
    known.endAudit({
      removed: new Map(),
      differing: new Map([["over", {}]]),
      leftToExpire: new Set(["over"]),
    });
    const counted = known.count(1, { maxAgeMs: 1000, allowsTtl: false }, 5000);
    assert.deepEqual(counted, { sure: 1, unsure: 1, isExact: true });
  });
});
