// Follows a log with many processes while its writer compacts and is killed: `npm run followers -- --compactions 1000 --seed 1`.
import { parseArgs } from "node:util";
import type { LogFormat } from "../src/log/index.js";
import { runFollowerCampaign } from "../test/followers/campaign.js";

const { values } = parseArgs({
  options: {
    followers: { type: "string", default: "8" },
    compactions: { type: "string", default: "1000" },
    kills: { type: "string", default: "20" },
    format: { type: "string", default: "3" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
  },
});
console.log(JSON.stringify(values));
const report = await runFollowerCampaign({
  seed: Number(values.seed),
  followers: Number(values.followers),
  compactions: Number(values.compactions),
  kills: Number(values.kills),
  format: Number(values.format) as LogFormat,
  deadlineMs: 600_000,
});
console.log(`${report.batches} batches, ${report.compactions} compactions`);
for (const follower of report.followers) console.log(JSON.stringify(follower));
