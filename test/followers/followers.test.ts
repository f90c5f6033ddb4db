import assert from "node:assert/strict";
import { test } from "node:test";
import { seedOfRun } from "../support/seed.js";
import { runFollowerCampaign } from "./campaign.js";

for (const [format, compactions, kills] of [
  [3, 100, 2],
  [2, 10, 1],
] as const) {
  test(`eight processes follow a v${format} log through ${compactions} compactions, and see whole batches in order`, async (context) => {
    const seed = seedOfRun();
    context.diagnostic(`MILLPOND_SEED=${seed}`);
    const plan = { seed, followers: 8, compactions, kills, format, deadlineMs: 60_000 };
    const report = await runFollowerCampaign(plan);
    assert.ok(report.compactions >= compactions);
    assert.ok(report.followers.every(({ checks }) => checks > 50));
    if (format === 3) assert.ok(report.followers.some(({ jumps }) => jumps > 0));
  });
}
