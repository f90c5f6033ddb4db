import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { expiresAtMs, growOld } from "../../src/rules/index.js";
import { TTL_NEVER_MS } from "../../src/values/index.js";

const forEver = { maxAgeMs: undefined, allowsTtl: false };

describe("the time at which a bucket drops an entry", () => {
  test("is the sooner of its age limit and of the entry's own, the latter only where the bucket allows it", () => {
    const entry = { timeMs: 1000, ttlMs: 50 };
    assert.equal(expiresAtMs(entry, forEver), Infinity);
    assert.equal(expiresAtMs(entry, { maxAgeMs: undefined, allowsTtl: true }), 1050);
    assert.equal(expiresAtMs(entry, { maxAgeMs: 20, allowsTtl: true }), 1020);
    assert.equal(expiresAtMs(entry, { maxAgeMs: 70, allowsTtl: true }), 1050);
    assert.equal(expiresAtMs(entry, { maxAgeMs: 70, allowsTtl: false }), 1070);
    assert.equal(expiresAtMs({ timeMs: 1000 }, { maxAgeMs: 70, allowsTtl: true }), 1070);
    assert.equal(expiresAtMs({ timeMs: 1000 }, { maxAgeMs: undefined, allowsTtl: true }), Infinity);
  });

  test("never comes for one that is never to go, where the bucket allows an entry that say", () => {
    const entry = { timeMs: 1000, ttlMs: TTL_NEVER_MS };
    assert.equal(expiresAtMs(entry, { maxAgeMs: 70, allowsTtl: true }), Infinity);
    assert.equal(expiresAtMs(entry, { maxAgeMs: 70, allowsTtl: false }), 1070);
  });

  test("is unknown where nobody said when it was stored", () => {
    assert.equal(expiresAtMs({ ttlMs: 50 }, { maxAgeMs: 20, allowsTtl: true }), Infinity);
  });
});

describe("records grow old", () => {
  test("where their age or a time to live of their own counts", () => {
    assert.ok(!growOld(forEver));
    assert.ok(growOld({ ...forEver, maxAgeMs: 70 }));
    assert.ok(growOld({ ...forEver, allowsTtl: true }));
  });
});
