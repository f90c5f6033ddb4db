import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crc32 } from "node:zlib";
import { Arena } from "../../src/kernel/index.js";
import { newKernel, STAGING_AT } from "../../src/kernel/kernel.js";
import { integerBelow, randomFrom, seedOfRun } from "../support/seed.js";
import { del, put } from "../support/updates.js";

const VALUE_BYTES = 400;

/** The body of a batch that puts these keys, with values of random lengths. */
function bodyOfPuts(keys: readonly number[], random: () => number): Buffer {
  const body = Buffer.alloc(16 + keys.length * (8 + 12 + VALUE_BYTES));
  body.writeUInt32LE(keys.length, 4);
  let at = 16;
  for (const key of keys) {
    const valueBytes = integerBelow(random, VALUE_BYTES);
    body[at] = 1;
    body.writeUInt16LE(12, at + 2);
    body.writeUInt32LE(valueBytes, at + 4);
    body.write(String(key).padStart(12, "0"), at + 8, "latin1");
    at += 20 + valueBytes;
  }
  return body.subarray(0, at);
}

function sequence(from: number, count: number, step = 1): number[] {
  return Array.from({ length: count }, (_, index) => from + index * step);
}

/** One long entry, which leaves a hole when it goes, and so many short ones. */
function filled(count: number): Arena {
  const arena = new Arena({ seed: 1 });
  arena.apply(put("hole", new Uint8Array(700), 1));
  for (let number = 0; number < count; number += 1) {
    arena.apply(put(`k${number}`, new Uint8Array(90), 1));
  }
  return arena;
}

describe("memory", () => {
  test("does not creep when a million values of changing sizes are overwritten", () => {
    const seed = seedOfRun();
    const random = randomFrom(seed);
    const arena = new Arena({ seed });
    const overwrite = (): void => {
      for (let from = 0; from < 20_000; from += 1000) {
        arena.stage(bodyOfPuts(sequence(from, 1000), random));
        arena.commit();
      }
    };
    for (let round = 0; round < 5; round += 1) overwrite();
    const settled = arena.memoryBytes;
    for (let round = 0; round < 45; round += 1) overwrite();
    const message = `MILLPOND_SEED=${seed}`;
    assert.equal(arena.check(), 0, message);
    assert.ok(arena.memoryBytes <= settled * 1.1, `${message}: ${settled}, ${arena.memoryBytes}`);
    assert.ok(arena.memoryBytes < 1.4 * arena.recordBytes + (2 << 20), message);
  });

  test("is used again for what comes after removals", () => {
    const arena = new Arena({ seed: 1 });
    const random = randomFrom(1);
    for (let round = 0; round < 5; round += 1) {
      for (let from = 0; from < 30_000; from += 1000) {
        arena.stage(bodyOfPuts(sequence(round * 1e6 + from, 1000), random));
        arena.commit();
      }
      for (const { key, version } of arena.range("")) arena.apply({ kind: "delete", key, version });
      assert.equal(arena.check(), 0);
    }
    assert.equal(arena.size, 0);
    assert.ok(arena.memoryBytes < 14 << 20, `${arena.memoryBytes}`);
    assert.ok(arena.freeBytes > 0.7 * arena.memoryBytes);
  });

  test("costs no more than 40 bytes beside the record of each of many entries", () => {
    const arena = new Arena({ seed: 1 });
    const random = randomFrom(1);
    for (let from = 0; from < 200_000; from += 1000) {
      // 99,991 is prime to the count: keys come in no order.
      const keys = sequence(0, 1000).map((index) => ((from + index) * 99_991) % 200_000);
      arena.stage(bodyOfPuts(keys, random));
      arena.commit();
      arena.settle(1000);
    }
    while (!arena.settle(1000));
    assert.equal(arena.size, 200_000);
    assert.equal(arena.check(), 0);
    const beside = (arena.memoryBytes - arena.freeBytes - arena.recordBytes) / arena.size;
    assert.ok(beside < 40, `${beside}`);
  });
});

describe("the kernel", () => {
  test("computes the checksums that zlib does, of any length", () => {
    const seed = seedOfRun();
    const random = randomFrom(seed);
    const kernel = newKernel();
    kernel.open(seed, 100, 22);
    const memory = Buffer.from(kernel.memory.buffer);
    for (let at = 0; at < 300_000; at += 1) memory[STAGING_AT + at] = integerBelow(random, 256);
    const lengths = [
      ...sequence(0, 1700),
      ...sequence(6500, 200),
      ...sequence(0, 40).map(() => integerBelow(random, 290_000)),
    ];
    for (const length of lengths) {
      const start = STAGING_AT + integerBelow(random, 64);
      const expected = crc32(memory.subarray(start, start + length));
      assert.equal(kernel.crc32(start, length) >>> 0, expected, `${length}, MILLPOND_SEED=${seed}`);
    }
  });

  test("finds every key where many hashes begin alike", () => {
    const kernel = newKernel();
    // No more than four segments, which then grow to thousands of places each.
    kernel.open(1, 1000, 2);
    const memory = Buffer.from(kernel.memory.buffer);
    for (let from = 0; from < 20_000; from += 1000) {
      const records = bodyOfPuts(sequence(from, 1000), () => 0).subarray(16);
      memory.set(records, STAGING_AT);
      assert.equal(kernel.stageRecords(STAGING_AT, records.length, 1000), records.length);
      kernel.commit();
    }
    assert.equal(kernel.keyCount(), 20_000);
    assert.equal(kernel.check(), 0);
  });

  test("is not read past its end where a longer record takes the place of the last", () => {
    // How many fit before memory has to grow.
    const { memoryBytes } = filled(0);
    let count = 1;
    while (filled(count).memoryBytes === memoryBytes) count += 1;
    // All but two, so that there is room for a removal: what it frees then takes the longer record.
    const arena = filled(count - 2);
    arena.apply(del("hole", 2));
    const last = `k${count - 3}`;
    arena.apply(put(last, new Uint8Array(500), 3));
    assert.equal(arena.memoryBytes, memoryBytes);
    assert.equal(arena.get(last)?.value.length, 500);
    assert.equal(arena.check(), 0);
  });
});
