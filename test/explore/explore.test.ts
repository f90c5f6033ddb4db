import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Bounds } from "./happenings.js";
import { productionModel } from "./replica-model.js";
import { explore } from "./search.js";
import { modelWith, modelWithout, variants } from "./variants.js";

/** Each is wide in another direction; `npm run explore -- --depth N` goes further. */
const widths: readonly Bounds[] = [
  { keys: 2, appends: 3, losses: 2, faults: 1 },
  { keys: 3, appends: 3, losses: 1, faults: 1 },
  { keys: 2, appends: 6, losses: 1, faults: 0, only: ["lose one", "overrun"] },
  { keys: 2, appends: 2, losses: 1, faults: 1, scope: "narrow" },
  { keys: 2, appends: 2, losses: 1, faults: 1, scope: "widens" },
  { keys: 2, appends: 2, losses: 1, faults: 1, races: true },
  { keys: 2, appends: 2, losses: 1, faults: 1, ticks: 1, forgets: "age" },
  { keys: 2, appends: 2, losses: 0, faults: 1, ticks: 1, forgets: "time to live" },
  { keys: 2, appends: 2, losses: 0, faults: 1, ticks: 1, forgets: "markers" },
  { keys: 2, appends: 3, losses: 2, faults: 1, evictions: "retain" },
];

describe("in every history within the bounds a replica is right when it says so, and comes to be level", () => {
  for (const bounds of widths) {
    test(JSON.stringify(bounds), (context) => {
      const { states, found } = explore(productionModel, bounds);
      assert.deepEqual(found, undefined);
      context.diagnostic(`${states} states`);
    });
  }
});

describe("a rule that is broken is found", () => {
  for (const variant of variants) {
    test(`${variant.rule}: ${variant.wrong}`, (context) => {
      assert.deepEqual(explore(modelWithout(variant), variant.bounds).found, undefined);
      const { states, found } = explore(modelWith(variant), variant.bounds);
      assert.ok(found !== undefined, `not found in ${states} states`);
      context.diagnostic(`${found.what} after ${states} states: ${found.trace.join(", ")}`);
    });
  }
});
