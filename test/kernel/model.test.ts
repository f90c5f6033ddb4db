import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { Arena } from "../../src/kernel/index.js";
import type { KvEntry, KvUpdate } from "../../src/values/index.js";
import { EntryModel } from "../support/entry-model.js";
import { randomUpdate } from "../support/random-updates.js";
import { bodyOf } from "../support/record-batch.js";
import { integerBelow, randomFrom, seedOfRun } from "../support/seed.js";

const PREFIXES = ["", "a.", "b.", "b.c.1", "ü", "\u{1F400}", "\uE000", "common.start.of", "zz"];

function assertAgree(
  arena: Arena,
  model: EntryModel,
  keys: Iterable<string>,
  message: string,
): void {
  assert.equal(arena.check(), 0, message);
  assert.equal(arena.size, model.size, message);
  assert.equal(arena.recordBytes, model.recordBytes, message);
  for (const key of keys) {
    assert.deepEqual(arena.get(key), model.get(key), message);
    assert.equal(arena.has(key), model.get(key) !== undefined, message);
  }
}

/** As text: to compare values of a megabyte one by one takes the longer part of the test. */
function allOf(entries: Iterable<KvEntry>): string[] {
  return Array.from(
    entries,
    ({ key, value, version, timeMs, ttlMs }) =>
      `${key} ${value.length} ${crc32(value)} ${version.toHex()} ${timeMs} ${ttlMs}`,
  );
}

test("an arena agrees with a sorted map after every random operation", () => {
  const seed = seedOfRun();
  const random = randomFrom(seed);
  for (let round = 0; round < 12; round += 1) {
    const arena = new Arena({ seed: integerBelow(random, 2 ** 32) });
    const model = new EntryModel();
    const keys = 2 + integerBelow(random, 400);
    const open: { walk: Iterator<KvEntry>; expected: Iterator<KvEntry> }[] = [];
    for (let step = 0; step < 250; step += 1) {
      const message = `MILLPOND_SEED=${seed}, round ${round}, step ${step}`;
      const updates: KvUpdate[] = [];
      for (let left = integerBelow(random, 6); left >= 0; left -= 1) {
        updates.push(randomUpdate(random, keys));
      }
      const how = integerBelow(random, 10);
      if (how < 3) {
        for (const update of updates) arena.apply(update);
      } else {
        arena.stage(bodyOf(updates));
        if (how === 3) arena.abort();
        else arena.commit();
      }
      if (how !== 3) for (const update of updates) model.apply(update);
      if (integerBelow(random, 4) === 0) arena.settle(integerBelow(random, 20));
      assertAgree(arena, model, new Set(updates.map(({ key }) => key)), message);
      const prefix = PREFIXES[integerBelow(random, PREFIXES.length)] as string;
      assert.deepEqual(allOf(arena.range(prefix)), allOf(model.range(prefix)), message);
      if (integerBelow(random, 8) === 0) {
        open.push({ walk: arena.range(prefix), expected: model.range(prefix).values() });
      }
      for (const { walk, expected } of open) {
        const some = integerBelow(random, 40);
        for (let count = 0; count < some; count += 1) {
          assert.deepEqual(walk.next().value, expected.next().value, message);
        }
      }
      if (open.length > 5) open.shift()?.walk.return?.();
    }
  }
});
