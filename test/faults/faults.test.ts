import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { seedOfRun } from "../support/seed.js";
import { cellsOf, complaintsOf, runCells, rowOf } from "./matrix.js";

/** One cell of each kind of fault; all of them are `npm run faults`. */
const selection = [
  "cut:2.15:prefixes:load",
  "half-open:2.15:prefixes:idle",
  "kill:2.10:all:load",
  "consumer-deleted:2.10:prefix:load",
  "recreated-away:2.10:all:idle",
  "rollback:2.15:prefix:idle",
  "bucket-gone:2.15:prefixes:load",
  "purge-all:2.10:all:idle",
  "purge-filter:2.15:prefixes:load",
  "message-deleted:2.10:prefix:idle",
  "ttl:2.15:all:load",
  "overrun:2.15:all:idle",
  "cluster-kill-leader:2.15:prefixes:load",
];

/** Twice and more what it takes on a machine that does nothing else. */
const NOTICED_MS = 6_000;
const IN_SYNC_MS = 12_000;

describe("a replica whose bucket, server or line fails", () => {
  const seed = seedOfRun();
  for (const cell of cellsOf(selection.join(","), seed)) {
    const { fault, version, scope, load } = cell;
    test(`is right, and says so only then: ${fault.name} on ${version}, ${scope}, ${load}`, async (context) => {
      context.diagnostic(`MILLPOND_SEED=${seed}`);
      const results = await runCells([cell], (result) => context.diagnostic(rowOf(result)));
      assert.deepEqual(complaintsOf(results), []);
      for (const { report } of results) {
        if (fault.noticed) assert.ok((report.detectedMs ?? Infinity) < NOTICED_MS);
        assert.ok((report.inSyncMs ?? Infinity) < IN_SYNC_MS);
      }
    });
  }
});
