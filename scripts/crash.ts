// Kills mirrors of real servers' buckets over and over, with compactions and followers beside them, on disks that are well or fall ill
// now and then: `npm run crash -- --kills 200 --seed 1 --server 2.15.1 --disks both`. Prints how far it is after each cell, and a table.
// A process has four copies, so that one SIGKILL is four kills. `--minutes` ends it sooner, `--jobs` runs cells side by
// side, `--patience 10` waits ten times as long on a machine that has others to serve.
import { parseArgs } from "node:util";
import { runCampaign, type Campaign } from "../test/crash/campaign.js";
import { tableOf } from "../test/crash/table.js";
import { serverVersions } from "../test/support/nats-server.js";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "200" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    rate: { type: "string", default: "300" },
    server: { type: "string" },
    disks: { type: "string", default: "both" },
    jobs: { type: "string", default: "1" },
    patience: { type: "string", default: "1" },
    minutes: { type: "string", default: "600" },
  },
});
const disks = (["well", "ill", "both"] as const).find((each) => each === values.disks);
if (disks === undefined) throw new Error("--disks is well, ill or both");
const servers = serverVersions.filter(
  (version) => values.server === undefined || version === values.server,
);
if (servers.length === 0) throw new Error(`--server is one of ${serverVersions.join(", ")}`);
console.log(JSON.stringify({ ...values, servers }));
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
const report = await runCampaign({
  servers,
  disks,
  seed: Number(values.seed),
  kills: Number(values.kills),
  updatesPerSecond: Number(values.rate),
  patience: Number(values.patience),
  jobs: Number(values.jobs),
  longestMs: Number(values.minutes) * 60_000,
  onProgress,
});
console.log(`\n${tableOf(report.rows)}\n`);
console.log(`${report.kills} kills, ${report.complaints.length} violations in ${minutes()} min`);
for (const complaint of report.complaints) console.log(complaint);
process.exitCode = report.complaints.length === 0 ? 0 : 1;
