import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { randomBatches } from "../../support/random-batches.js";
import { randomFrom, seedOfRun } from "../../support/seed.js";
import { sweepFrames, sweepStates } from "./changes.js";
import { boundsOf, longSample, sampleOf, type Sample } from "./samples.js";

// The whole campaign: npm run sweep.

function fixture(folder: "v2" | "v3", name: string): Sample {
  const bytes = readFileSync(join("test", "fixtures", folder, `${name}.snap`));
  return {
    format: folder === "v2" ? 2 : 3,
    bytes,
    bounds: boundsOf(folder === "v2" ? 2 : 3, bytes),
  };
}

describe("every flipped bit and every truncation of a small log is an error, or costs whole frames at the very end", () => {
  for (const name of [
    "one-batch",
    "several-batches",
    "withdrawn-cursor",
    "lineage",
    "optional-frames",
  ]) {
    test(`format 3, ${name}`, async () => {
      const { detected, dropped } = await sweepStates(fixture("v3", name));
      assert.ok(detected > 200 && dropped > 100, `${detected} ${dropped}`);
    });
  }

  for (const name of ["one-batch", "ahead-of-its-cursor", "withdrawn-cursor"]) {
    test(`format 2, ${name}`, async () => {
      const { detected, dropped } = await sweepStates(fixture("v2", name));
      assert.ok(detected > 300 && dropped > 100, `${detected} ${dropped}`);
    });
  }

  test("random logs", async () => {
    const seed = seedOfRun();
    for (const format of [2, 3] as const) {
      const sample = sampleOf(format, randomBatches(seed, 3));
      await sweepStates(sample).catch((cause: unknown) => {
        throw new Error(`seed ${seed}, format ${format}`, { cause });
      });
    }
  });
});

describe("flips and truncations of a long log", () => {
  for (const format of [2, 3] as const) {
    test(`of format ${format}, a sample`, async () => {
      const seed = seedOfRun();
      const sample = longSample(format, seed, 1024 * 1024);
      const { detected, dropped } = await sweepFrames(sample, randomFrom(seed), 300);
      assert.equal(detected + dropped, 300);
      assert.ok(detected > 100 && dropped > 30, `seed ${seed}`);
    });
  }
});
