import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ValueCopies } from "../../src/nats/value-copies.js";

function value(length: number, fill: number): Uint8Array {
  return new Uint8Array(length).fill(fill);
}

describe("copies of values", () => {
  test("are what was copied, also once that and their neighbours are written over", () => {
    const copies = new ValueCopies();
    const source = new Uint8Array(1025);
    const made = Array.from({ length: 500 }, (_, index) => {
      const data = source.subarray(0, [200, 0, 1, 1024, 1025][index % 5]).fill(index % 251);
      return { copy: copies.copyOf(data), length: data.length, fill: index % 251 };
    });
    source.fill(255);
    for (const [index, { copy, length, fill }] of made.entries()) {
      assert.deepEqual(copy, value(length, fill), `${index}`);
      copy.fill(255);
    }
  });

  test("share buffers of no more than 8 KiB, and only in a run of small ones of one batch", () => {
    const copies = new ValueCopies();
    const few = Array.from({ length: 8 }, () => copies.copyOf(value(10, 1)));
    assert.ok(few.every((copy) => copy.buffer.byteLength === 10));
    const [one, other] = [copies.copyOf(value(10, 1)), copies.copyOf(value(10, 1))];
    assert.equal(one.buffer, other.buffer);
    assert.equal(one.buffer.byteLength, 8192);
    assert.equal(copies.copyOf(value(5000, 1)).buffer.byteLength, 5000);
    copies.endBatch();
    assert.equal(copies.copyOf(value(10, 1)).buffer.byteLength, 10);
  });
});
