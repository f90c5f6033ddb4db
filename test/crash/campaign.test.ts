import assert from "node:assert/strict";
import { test } from "node:test";
import { serverVersions } from "../support/nats-server.js";
import { runCampaign } from "./campaign.js";
import { tableOf } from "./table.js";

test("a campaign whose time is over says that it was cut short, and has no row of a kind that had no turn", async () => {
  const report = await runCampaign({
    servers: serverVersions,
    disks: "both",
    seed: 1,
    kills: 8,
    updatesPerSecond: 1,
    jobs: 2,
    longestMs: 0,
  });
  assert.equal(report.cutShort, "cut short: 0 of 8 kills, then its time was over");
  assert.deepEqual(report.rows, []);
  // The head and what stands under it, and the sum.
  assert.equal(tableOf(report.rows).split("\n").length, 3);
});
