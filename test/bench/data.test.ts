import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Dataset, GROUP_KEYS, KEY_BYTES, VALUE_BYTES } from "../../bench/data.js";

function writtenWith(seed: number): string {
  return JSON.stringify([...new Dataset(300, seed).blocks(900)]);
}

describe("the data of a run", () => {
  test("is the same in every process with the same seed, and another with another", () => {
    assert.equal(writtenWith(1), writtenWith(1));
    assert.notEqual(writtenWith(1), writtenWith(2));
  });

  test("writes every key once, then keys by chance", () => {
    const data = new Dataset(1500, 1);
    const keys = [...data.blocks(3 * 1500)]
      .flat()
      .flatMap(({ updates }) => updates.map(({ key }) => key));
    assert.equal(keys.length, 3 * 1500);
    assert.equal(new Set(keys.slice(0, 1500)).size, 1500);
    assert.equal(new Set(keys).size, 1500);
  });

  test("has keys and values of one length, and a prefix for each thousand keys", () => {
    const data = new Dataset(2500, 1);
    const keys = Array.from({ length: data.keys }, (_, index) => data.key(index));
    assert.deepEqual(new Set(keys.map((key) => Buffer.byteLength(key))), new Set([KEY_BYTES]));
    assert.ok(!keys.includes(data.absentKey(7)));
    assert.equal(Buffer.byteLength(data.absentKey(7)), KEY_BYTES);
    assert.equal(data.value(7).length, VALUE_BYTES);
    const counts = [0, 1, 2].map(
      (group) => keys.filter((key) => key.startsWith(data.prefix(group))).length,
    );
    assert.deepEqual(counts, [GROUP_KEYS, GROUP_KEYS, 500]);
  });
});
