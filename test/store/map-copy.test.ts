import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { MapCopy } from "../../src/store/map-copy.js";
import type { KvEntry } from "../../src/values/index.js";
import { seedOfRun } from "../support/seed.js";
import { del, put, told } from "../support/updates.js";

const STARTS = ["a", "b", "\u{1F600}", "\uE000"];
const KEYS = Array.from({ length: 40 }, (_, index) => `${STARTS[index % 4]}${index}`);

const operations = fc.array(
  fc.record({
    key: fc.constantFrom(...KEYS),
    kind: fc.constantFrom("put", "remove", "walk", "settle"),
    prefix: fc.constantFrom("", "a", "b", "a1", "none"),
  }),
  { maxLength: 200 },
);

test("any sequence of puts, removals, walks and settlings shows what a map sorted each time shows", async () => {
  await fc.assert(
    fc.asyncProperty(operations, async (sequence) => {
      const copy = new MapCopy();
      const model = new Map<string, KvEntry>();
      for (const [index, { key, kind, prefix }] of sequence.entries()) {
        if (kind === "put") {
          const update = put(key, `${index}`, index);
          copy.apply(update);
          if (update.kind === "put") model.set(key, update);
        } else if (kind === "remove") {
          copy.apply(del(key, index));
          model.delete(key);
        } else if (kind === "settle") await copy.settle();
        else assert.deepEqual(told(copy.range(prefix)), sorted(model, prefix));
      }
      await copy.settle();
      assert.deepEqual(told(copy.borrowSettled()), sorted(model, ""));
      assert.equal(copy.size, model.size);
    }),
    { seed: seedOfRun(), numRuns: 300 },
  );
});

function sorted(model: ReadonlyMap<string, KvEntry>, prefix: string): string[] {
  const entries = [...model.values()].filter(({ key }) => key.startsWith(prefix));
  return told(entries.toSorted((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key))));
}
