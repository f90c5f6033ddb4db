import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { serverVersions } from "../support/nats-server.js";
import { seedOfRun } from "../support/seed.js";
import { runCampaign } from "./campaign.js";
import { tableOf } from "./table.js";

describe("mirrors that are killed at random moments, with compactions and followers beside them,", () => {
  for (const server of serverVersions) {
    for (const disks of ["well", "ill"] as const) {
      const where = `on nats-server ${server} and a disk that is ${disks}`;
      test(`resume, verify and converge ${where}`, async (context) => {
        const seed = seedOfRun();
        context.diagnostic(`MILLPOND_SEED=${seed}`);
        const { rows, complaints, kills } = await runCampaign({
          servers: [server],
          disks,
          seed,
          kills: 16,
          updatesPerSecond: 300,
          jobs: 1,
          longestMs: 20_000,
        });
        context.diagnostic(`\n${tableOf(rows)}`);
        assert.deepEqual(complaints, []);
        assert.ok(kills > 0);
      });
    }
  }
});
