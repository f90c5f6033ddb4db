import { describe, test } from "node:test";
import { serverVersions } from "../support/nats-server.js";
import { seedOfRun } from "../support/seed.js";
import { runKillCampaign } from "./campaign.js";

describe("a mirror that is killed at random moments under 2,000 updates a second", () => {
  for (const server of serverVersions) {
    test(`resumes, verifies and converges on nats-server ${server}`, async (context) => {
      const seed = seedOfRun();
      context.diagnostic(`MILLPOND_SEED=${seed}`);
      const report = await runKillCampaign({ server, seed, kills: 12, updatesPerSecond: 2000 });
      context.diagnostic(JSON.stringify(report));
    });
  }
});
