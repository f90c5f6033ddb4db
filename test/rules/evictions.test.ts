import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { BucketLimits } from "../../src/kv/index.js";
import {
  dropsUnseen,
  forgets,
  isOlder,
  markersOutlast,
  outlives,
  removalBelowFloor,
  retains,
} from "../../src/rules/index.js";
import { VersionToken, WatchCursor } from "../../src/values/index.js";

const endless: BucketLimits = {
  maxAgeMs: undefined,
  allowsTtl: false,
  markerTtlMs: undefined,
  discardsOld: false,
};
const aged: BucketLimits = { ...endless, maxAgeMs: 1000 };
const dated: BucketLimits = { ...endless, allowsTtl: true, markerTtlMs: 500 };
const full: BucketLimits = { ...endless, discardsOld: true };

function entry(revision: number, timeMs?: number) {
  return { version: VersionToken.fromU64(revision), ...(timeMs === undefined ? {} : { timeMs }) };
}

describe("a bucket forgets by itself", () => {
  test("where age, time to live or size can drop a last record, or its limits are not known", () => {
    assert.deepEqual([endless, aged, dated, full, undefined].map(forgets), [
      false,
      true,
      true,
      true,
      true,
    ]);
  });
});

describe("a version is older than a position", () => {
  test("only where both are known and of one length", () => {
    const at5 = WatchCursor.fromU64(5);
    assert.ok(isOlder(VersionToken.fromU64(4), at5));
    assert.ok(!isOlder(VersionToken.fromU64(5), at5));
    assert.ok(!isOlder(VersionToken.unknown, at5));
    assert.ok(!isOlder(VersionToken.fromU64(4), WatchCursor.none));
    assert.ok(!isOlder(VersionToken.fromHex("00"), at5));
    assert.ok(isOlder(VersionToken.fromHex("0001"), WatchCursor.fromHex("0100")));
    assert.ok(!isOlder(VersionToken.fromHex("0100"), WatchCursor.fromHex("0001")));
    assert.ok(!isOlder(VersionToken.fromHex("0100"), WatchCursor.fromHex("0100")));
    assert.ok(!isOlder(VersionToken.unknown, WatchCursor.none));
  });
});

describe("an entry below the floor of its bucket", () => {
  const facts = {
    floor: WatchCursor.fromU64(10),
    evictions: "mirror",
    serverTimeMs: 5000,
  } as const;

  test("has vanished, or has expired where its age explains it", () => {
    assert.equal(removalBelowFloor(entry(9, 1), { ...facts, limits: endless }), "vanished");
    assert.equal(removalBelowFloor(entry(9, 4000), { ...facts, limits: aged }), "expired");
    assert.equal(removalBelowFloor(entry(9, 4001), { ...facts, limits: aged }), "vanished");
    assert.equal(removalBelowFloor(entry(9), { ...facts, limits: aged }), "vanished");
  });

  test("stays from the floor on", () => {
    assert.equal(removalBelowFloor(entry(10, 1), { ...facts, limits: aged }), undefined);
    assert.equal(
      removalBelowFloor({ version: VersionToken.unknown }, { ...facts, limits: aged }),
      undefined,
    );
  });

  test("stays where what the bucket forgets is retained, but not where only people can have dropped it", () => {
    for (const limits of [aged, dated, full, undefined]) {
      assert.equal(
        removalBelowFloor(entry(9, 1), { ...facts, limits, evictions: "retain" }),
        undefined,
      );
    }
    assert.equal(
      removalBelowFloor(entry(9, 1), { ...facts, limits: endless, evictions: "retain" }),
      "vanished",
    );
  });
});

describe("a removal", () => {
  test("is not followed only where it is an expiry, and those are retained", () => {
    assert.ok(outlives({ reason: "expired" }, "retain"));
    assert.ok(!outlives({ reason: "expired" }, "mirror"));
    for (const reason of ["deleted", "purged", "vanished"] as const) {
      assert.ok(!outlives({ reason }, "retain"));
    }
    assert.ok(!outlives({}, "retain"));
  });
});

describe("what a whole state-sync did not bring", () => {
  test("is dropped, unless it is retained and the bucket is the copy's own", () => {
    for (const limits of [endless, aged, full, undefined]) {
      assert.ok(dropsUnseen(false, "mirror", limits));
      assert.ok(dropsUnseen(true, "retain", limits));
      assert.equal(dropsUnseen(false, "retain", limits), !retains("retain", limits));
    }
    assert.ok(dropsUnseen(false, "retain", endless));
    assert.ok(!dropsUnseen(false, "retain", aged));
  });
});

describe("the markers of a bucket outlast a time without a watch", () => {
  test("that is shorter than any of them lives", () => {
    assert.ok(markersOutlast(undefined, endless));
    assert.ok(markersOutlast(1e12, full));
    assert.ok(markersOutlast(999, aged));
    assert.ok(!markersOutlast(1000, aged));
    assert.ok(markersOutlast(499, dated));
    assert.ok(!markersOutlast(500, dated));
    assert.ok(!markersOutlast(undefined, dated));
    assert.ok(!markersOutlast(0, { ...dated, markerTtlMs: undefined }));
    assert.ok(!markersOutlast(0, undefined));
  });
});
