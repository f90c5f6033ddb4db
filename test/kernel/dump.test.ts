import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Arena } from "../../src/kernel/index.js";
import { parseBatch } from "../../src/log/v3/batch.js";
import { v3Codec } from "../../src/log/v3/index.js";
import type { KvUpdate } from "../../src/values/index.js";
import { EntryModel } from "../support/entry-model.js";
import { randomUpdate } from "../support/random-updates.js";
import { integerBelow, randomFrom, seedOfRun } from "../support/seed.js";
import { put } from "../support/updates.js";

/** The puts that a slice's records say. */
function putsIn(records: Uint8Array, count: number): KvUpdate[] {
  const encoder = v3Codec.encoder();
  encoder.addRecords(records, count);
  encoder.end(undefined);
  return parseBatch(Buffer.from(encoder.body() ?? []), false).updates;
}

describe("a dump", () => {
  test("gives every entry once, ascending, in slices of the size asked for", () => {
    const arena = new Arena({ seed: 1 });
    for (let number = 0; number < 3000; number += 1) {
      arena.apply(put(`key-${(number * 7919) % 3000}`, new Uint8Array(number % 300), number));
    }
    const dump = arena.dump();
    const puts: KvUpdate[] = [];
    for (let slice = dump.next(10_000); slice !== undefined; slice = dump.next(10_000)) {
      assert.ok(slice.records.length <= 10_000 && slice.count > 20);
      puts.push(...putsIn(slice.records, slice.count));
    }
    const entries = [...arena.range("")];
    assert.deepEqual(
      puts,
      entries.map((entry) => ({ kind: "put", ...entry })),
    );
    assert.equal(dump.next(10_000), undefined);
  });

  test("of nothing is nothing", () => {
    assert.equal(new Arena({ seed: 1 }).dump().next(1000), undefined);
  });

  test("gives a record alone that is larger than the slice, and the empty key", () => {
    const arena = new Arena({ seed: 1 });
    const long = new Uint8Array(16 << 20).fill(3);
    for (const update of [put("", "1", 1), put("b", long, 2), put("c", "3", 3)]) {
      arena.apply(update);
    }
    const dump = arena.dump();
    const slices = [dump.next(1000), dump.next(1000), dump.next(1000)].map((slice) => slice?.count);
    assert.deepEqual(slices, [1, 1, 1]);
    assert.equal(dump.next(1000), undefined);
  });

  test("taken while others are applied becomes, with what was applied, what is there", () => {
    const seed = seedOfRun();
    const random = randomFrom(seed);
    for (let round = 0; round < 20; round += 1) {
      const message = `MILLPOND_SEED=${seed}, round ${round}`;
      const arena = new Arena({ seed });
      for (let step = 0; step < 400; step += 1) arena.apply(randomUpdate(random, 300));
      const dump = arena.dump();
      const tail: KvUpdate[] = [];
      const copy = new EntryModel();
      const bytes = 1 + integerBelow(random, 5000);
      let last: Buffer | undefined;
      for (let slice = dump.next(bytes); slice !== undefined; slice = dump.next(bytes)) {
        for (const update of putsIn(slice.records, slice.count)) {
          const key = Buffer.from(update.key);
          assert.ok(last === undefined || Buffer.compare(last, key) < 0, message);
          last = key;
          copy.apply(update);
        }
        for (let left = integerBelow(random, 3); left > 0; left -= 1) {
          const update = randomUpdate(random, 300);
          tail.push(update);
          arena.apply(update);
        }
        if (integerBelow(random, 4) === 0) arena.settle(5);
      }
      for (const update of tail) copy.apply(update);
      assert.deepEqual(copy.range(""), [...arena.range("")], message);
    }
  });
});
