import { runFollowerCampaign } from "../test/followers/campaign.js";
import { argumentsOf, choice, freshSeed, wholeNumber } from "./arguments.js";

const usage = `
Follows a log with many processes while its writer compacts and is killed. Throws at the first that sees what is not so.

npm run followers -- --compactions 1000 --seed 1

--followers N    processes that follow (8)
--compactions N  at least (1000)
--kills N        how often the writer is killed and started again (20)
--format N       of the log, 2 or 3 (3)
--seed N         (a fresh one)
`;
const values = argumentsOf(usage, {
  followers: { type: "string", default: "8" },
  compactions: { type: "string", default: "1000" },
  kills: { type: "string", default: "20" },
  format: { type: "string", default: "3" },
  seed: { type: "string", default: freshSeed() },
});
const plan = {
  seed: wholeNumber("seed", values.seed, 0),
  followers: wholeNumber("followers", values.followers, 1),
  compactions: wholeNumber("compactions", values.compactions, 1),
  kills: wholeNumber("kills", values.kills, 0),
  format: choice("format", values.format, ["2", "3"]) === "2" ? 2 : 3,
} as const;
console.log(JSON.stringify(plan));
const report = await runFollowerCampaign({ ...plan, deadlineMs: 600_000 });
console.log(`${report.batches} batches, ${report.compactions} compactions`);
for (const follower of report.followers) console.log(JSON.stringify(follower));
