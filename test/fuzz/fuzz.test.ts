import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seedOfRun } from "../support/seed.js";
import { fuzz, requireQuick } from "./engine.js";
import { keptCases } from "./kept.js";
import { targets } from "./targets.js";

// The whole campaign: npm run fuzz.

/** Of the quickest targets; of the others a part of it. */
const COUNT = 4000;

describe("whatever a parser of outside bytes is given", () => {
  for (const target of targets) {
    test(`${target.name} takes it or refuses it as it must`, async () => {
      const seed = seedOfRun();
      try {
        const count = Math.ceil((COUNT * target.share) / 1000);
        const { failures, verdicts } = await fuzz(target, seed, { count });
        for (const { index, error } of failures) {
          const again = `MILLPOND_SEED=${seed}, or npm run fuzz -- --seed ${seed} --only ${target.name} --index ${index}`;
          throw new Error(again, { cause: error });
        }
        // Else it never got behind the first check, or nothing was wrong with what it was given.
        assert.ok(
          verdicts.size > 1 && verdicts.has("accepted"),
          `seed ${seed}: ${[...verdicts.keys()].join(" ")}`,
        );
      } finally {
        await target.end?.();
      }
    });
  }
});

describe("what once failed", () => {
  for (const { file, target: name, input } of keptCases()) {
    test(`does not any more: ${file}`, async () => {
      const target = targets.find((each) => each.name === name);
      assert.ok(target !== undefined, `no target ${name}`);
      try {
        await requireQuick(target, input);
      } finally {
        await target.end?.();
      }
    });
  }
});
