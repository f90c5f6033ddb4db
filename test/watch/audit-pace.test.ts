import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { asked, counting, revisions } from "../support/auditing.js";
import { put, removal, ScriptedSource } from "../support/scripted-source.js";
import { turns, type Watching } from "../support/watching.js";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

/** A copy of two keys, one of which went from the bucket in silence while a removal came there of which nobody told either. */
async function fooled(options: Parameters<typeof counting>[1]) {
  const source = new ScriptedSource();
  source.keep(put("a", 1), put("b", 2));
  const watching = await counting(source, options);
  await turns(20);
  source.keep(put("a", 1), removal("c", 3));
  source.calls.length = 0;
  return { source, watching };
}

async function pass(watching: Watching, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += MINUTE_MS) {
    watching.clock.advance(MINUTE_MS);
    await turns(8);
  }
}

describe("an audit that nothing gave cause for", () => {
  test("comes once a day, and finds the losses that left the number of keys what it was", async () => {
    const { source, watching } = await fooled({ countIntervalMs: 60 * MINUTE_MS });
    await using _ = watching;
    await pass(watching, DAY_MS - 60 * MINUTE_MS);
    assert.deepEqual([asked(source, "list"), revisions(watching.store)], [0, ["a@1", "b@2"]]);
    await pass(watching, 61 * MINUTE_MS);
    await turns(60);
    assert.deepEqual([asked(source, "list"), revisions(watching.store)], [1, ["a@1"]]);
    await pass(watching, DAY_MS - 60 * MINUTE_MS);
    assert.equal(asked(source, "list"), 1);
    await pass(watching, 61 * MINUTE_MS);
    assert.equal(asked(source, "list"), 2);
  });

  test("is spread by a quarter either way, and comes with the count after", async () => {
    for (const [random, minutes] of [
      [0, 8],
      [0.999_999, 13],
    ] as const) {
      const { source, watching } = await fooled({
        random: () => random,
        auditIntervalMs: 10 * MINUTE_MS,
      });
      await using _ = watching;
      await pass(watching, (minutes - 1) * MINUTE_MS);
      assert.equal(asked(source, "list"), 0, `${random}`);
      await pass(watching, 2 * MINUTE_MS);
      assert.equal(asked(source, "list"), 1, `${random}`);
    }
  });

  test("never comes where nobody wants it", async () => {
    const { source, watching } = await fooled({
      countIntervalMs: 60 * MINUTE_MS,
      auditIntervalMs: Infinity,
    });
    await using _ = watching;
    await pass(watching, 3 * DAY_MS);
    assert.equal(asked(source, "list"), 0);
  });

  test("waits its time anew after one that had cause", async () => {
    const { source, watching } = await fooled({ auditIntervalMs: 10 * MINUTE_MS });
    await using _ = watching;
    await pass(watching, 6 * MINUTE_MS);
    source.keep(put("a", 1), removal("c", 3), removal("d", 4));
    await pass(watching, 2 * MINUTE_MS);
    await turns(60);
    assert.equal(asked(source, "list"), 1);
    await pass(watching, 8 * MINUTE_MS);
    assert.equal(asked(source, "list"), 1);
    await pass(watching, 4 * MINUTE_MS);
    assert.equal(asked(source, "list"), 2);
  });
});
