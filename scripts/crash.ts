import { runCampaign, type Campaign } from "../test/crash/campaign.js";
import { tableOf } from "../test/crash/table.js";
import { serverVersions } from "../test/support/nats-server.js";
import { argumentsOf, choice, choicesOf, freshSeed, wholeNumber } from "./arguments.js";

const usage = `
Kills mirrors of real servers' buckets over and over, with compactions and followers beside them, on disks that are well or fall ill
now and then. Prints how far it is after each cell, and a table. Ends with status 1 where a promise was broken, or where there were
fewer kills than asked for.

npm run crash -- --kills 200 --seed 1 --server 2.15.1 --disks both

--kills N      copies whose process is killed, at least (200); a process has four, so that one SIGKILL is four kills
--seed N       of the first cell; each has the next (a fresh one)
--rate N       updates a second (300)
--server V     one version of the server, or several with commas between them (all)
--disks HOW    well, ill or both (both)
--jobs N       cells that run at a time (1)
--patience N   waits N times as long, on a machine that has others to serve (1)
--minutes N    when it ends at the latest (600)
`;
const values = argumentsOf(usage, {
  kills: { type: "string", default: "200" },
  seed: { type: "string", default: freshSeed() },
  rate: { type: "string", default: "300" },
  server: { type: "string" },
  disks: { type: "string", default: "both" },
  jobs: { type: "string", default: "1" },
  patience: { type: "string", default: "1" },
  minutes: { type: "string", default: "600" },
});
const plan = {
  servers: choicesOf("server", values.server, serverVersions),
  disks: choice("disks", values.disks, ["well", "ill", "both"]),
  seed: wholeNumber("seed", values.seed, 0),
  kills: wholeNumber("kills", values.kills, 1),
  updatesPerSecond: wholeNumber("rate", values.rate, 1),
  jobs: wholeNumber("jobs", values.jobs, 1),
  patience: wholeNumber("patience", values.patience, 1),
  longestMs: wholeNumber("minutes", values.minutes, 1) * 60_000,
};
console.log(JSON.stringify(plan));
const startedAt = performance.now();
const minutes = (): string => ((performance.now() - startedAt) / 60_000).toFixed(1);
/** In kills. */
const TELL_EVERY = 100;
const TABLE_EVERY = 1000;
let [told, complained] = [0, 0];
const onProgress: Campaign["onProgress"] = ({ kills, complaints, rows }, ended) => {
  if (ended !== undefined) {
    const disk = ended.isSick ? "ill" : "well";
    console.log(`${minutes()} min: over: ${ended.server}, disk ${disk}, seed ${ended.seed}`);
  }
  for (const complaint of complaints.slice(complained)) console.log(complaint);
  complained = complaints.length;
  if (kills - told < TELL_EVERY) return;
  if (Math.floor(kills / TABLE_EVERY) > Math.floor(told / TABLE_EVERY)) console.log(tableOf(rows));
  told = kills - (kills % TELL_EVERY);
  console.log(`${minutes()} min: ${kills} kills, ${complaints.length} violations`);
};
const report = await runCampaign({ ...plan, onProgress });
console.log(`\n${tableOf(report.rows)}\n`);
console.log(`${report.kills} kills, ${report.complaints.length} violations in ${minutes()} min`);
for (const complaint of report.complaints) console.log(complaint);
if (report.cutShort !== undefined) console.log(report.cutShort);
process.exitCode = report.complaints.length === 0 && report.cutShort === undefined ? 0 : 1;
