import assert from "node:assert/strict";
import { isMillpondError } from "../../errors/index.js";
import type { KvStore } from "../../kv/index.js";
import { VersionToken } from "../../values/index.js";
import type { Scenarios } from "./harness.js";
import { bytes, refuses, sequenceOf, text, untimed } from "./support.js";

const ZERO = VersionToken.fromU64(0);
const HIGHEST = VersionToken.fromU64((1n << 64n) - 1n);

export const writing: Scenarios = {
  "every write gives a version above all earlier ones of the bucket": async ({ make }) => {
    const bucket = await make();
    const first = await bucket.put("a", bytes("1"));
    const versions = [
      first,
      await bucket.put("b", bytes("1")),
      await bucket.create("c", bytes("1")),
      await bucket.update("a", bytes("2"), first),
      await bucket.delete("b"),
      await bucket.purge("c"),
    ].map(sequenceOf);
    assert.deepEqual(versions, [1n, 2n, 3n, 4n, 5n, 6n]);
  },

  "a key that is not legal is refused by every write, and nothing is written": async ({ make }) => {
    const bucket = await make();
    for (const key of ["", "a b", "a.*", ">", ".a", "a.", "a..b", "ü", "a\n"]) {
      for (const attempt of writesOf(bucket, key)) await refuses("invalid-key", attempt);
    }
    assert.equal((await bucket.info()).lastSequence, 0n);
  },

  "create refuses a key that has a value, an empty one too": async ({ make }) => {
    const bucket = await make();
    await bucket.create("a", bytes("1"));
    await refuses("already-exists", () => bucket.create("a", bytes("2")));
    await bucket.put("b", new Uint8Array(0));
    await refuses("already-exists", () => bucket.create("b", bytes("2")));
    assert.equal(text((await bucket.get("a"))?.value), "1");
  },

  "create takes a key that was deleted or purged": async ({ make }) => {
    const bucket = await make();
    for (const key of ["a", "b"]) await bucket.put(key, bytes("1"));
    await bucket.delete("a");
    await bucket.purge("b");
    for (const key of ["a", "b"]) {
      await bucket.create(key, bytes("2"));
      assert.equal(text((await bucket.get(key))?.value), "2");
    }
  },

  "of many creates at once exactly one wins": async ({ make }) => {
    const bucket = await make();
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) => bucket.create("a", bytes(String(index)))),
    );
    assert.equal(outcomes.filter(({ status }) => status === "fulfilled").length, 1);
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") {
        assert.ok(isMillpondError(outcome.reason, "already-exists"), String(outcome.reason));
      }
    }
  },

  "update writes over the version it expects and no other": async ({ make }) => {
    const bucket = await make();
    const first = await bucket.put("a", bytes("1"));
    const second = await bucket.update("a", bytes("2"), first);
    await refuses("revision-mismatch", () => bucket.update("a", bytes("3"), first));
    const expected = { key: "a", value: bytes("2"), version: second };
    assert.deepEqual(untimed(await bucket.get("a")), expected);
  },

  "update compares the key's version, not the bucket's": async ({ make }) => {
    const bucket = await make();
    const version = await bucket.put("a", bytes("1"));
    await bucket.put("b", bytes("1"));
    await bucket.update("a", bytes("2"), version);
    assert.equal(text((await bucket.get("a"))?.value), "2");
  },

  "update of a missing key is a mismatch, of a removed one takes the marker's version": async ({
    make,
  }) => {
    const bucket = await make();
    const other = await bucket.put("b", bytes("1"));
    await refuses("revision-mismatch", () => bucket.update("a", bytes("1"), other));
    await bucket.delete("b");
    await refuses("revision-mismatch", () => bucket.update("b", bytes("2"), other));
    const marker = await bucket.entry("b");
    assert.ok(marker !== undefined);
    await bucket.update("b", bytes("2"), marker.version);
    assert.equal(text((await bucket.get("b"))?.value), "2");
  },

  "deleteWithVersion removes the version it expects and no other": async ({ make }) => {
    const bucket = await make();
    const first = await bucket.put("a", bytes("1"));
    const second = await bucket.put("a", bytes("2"));
    await refuses("revision-mismatch", () => bucket.deleteWithVersion("a", first));
    assert.equal(text((await bucket.get("a"))?.value), "2");
    const version = await bucket.deleteWithVersion("a", second);
    const entry = await bucket.entry("a");
    assert.deepEqual([entry?.kind, entry?.version.toHex()], ["delete", version.toHex()]);
  },

  "deleteWithVersion of a missing key is a mismatch": async ({ make }) => {
    const bucket = await make();
    const other = await bucket.put("b", bytes("1"));
    await refuses("revision-mismatch", () => bucket.deleteWithVersion("a", other));
    assert.equal(await bucket.entry("a"), undefined);
  },

  "version 0 and versions that no number holds exactly are compared all the same": async ({
    make,
  }) => {
    const bucket = await make();
    await bucket.put("a", bytes("1"));
    for (const wrong of [ZERO, HIGHEST, VersionToken.fromU64((1n << 53n) + 1n)]) {
      await refuses("revision-mismatch", () => bucket.update("a", bytes("2"), wrong));
      await refuses("revision-mismatch", () => bucket.deleteWithVersion("a", wrong));
    }
    assert.equal(text((await bucket.get("a"))?.value), "1");
  },

  "a version that this backend never gives is an invalid argument": async ({ make }) => {
    const bucket = await make();
    await bucket.put("a", bytes("1"));
    for (const wrong of [VersionToken.unknown, VersionToken.fromHex("00000000000000000001")]) {
      await refuses("invalid-argument", () => bucket.update("a", bytes("2"), wrong));
      await refuses("invalid-argument", () => bucket.deleteWithVersion("a", wrong));
    }
    assert.equal(text((await bucket.get("a"))?.value), "1");
  },

  "delete and purge write their marker also where there is no value": async ({ make }) => {
    const bucket = await make();
    assert.equal(sequenceOf(await bucket.delete("a")), 1n);
    assert.equal(sequenceOf(await bucket.delete("a")), 2n);
    assert.equal(sequenceOf(await bucket.purge("b")), 3n);
    assert.equal((await bucket.entry("a"))?.kind, "delete");
    assert.equal((await bucket.entry("b"))?.kind, "purge");
  },

  "a value above the largest the connection names is refused": async ({ make, connection }) => {
    const bucket = await make();
    const value = new Uint8Array(connection.capabilities.maxValueBytes + 1);
    await refuses("invalid-argument", () => bucket.put("a", value));
    assert.equal(await bucket.entry("a"), undefined);
  },
};

function writesOf(bucket: KvStore, key: string): (() => Promise<VersionToken>)[] {
  const value = bytes("v");
  return [
    () => bucket.put(key, value),
    () => bucket.create(key, value),
    () => bucket.update(key, value, ZERO),
    () => bucket.delete(key),
    () => bucket.deleteWithVersion(key, ZERO),
    () => bucket.purge(key),
  ];
}
