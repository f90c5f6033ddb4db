// Kills a mirror of a real server's bucket over and over: `npm run crash -- --kills 200 --seed 1 --server 2.15.1`.
import { parseArgs } from "node:util";
import { runKillCampaign } from "../test/crash/campaign.js";
import { serverVersions } from "../test/support/nats-server.js";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "200" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    rate: { type: "string", default: "2000" },
    server: { type: "string" },
  },
});
const servers = serverVersions.filter(
  (version) => values.server === undefined || version === values.server,
);
if (servers.length === 0) throw new Error(`--server is one of ${serverVersions.join(", ")}`);
for (const server of servers) {
  console.log(
    `nats-server ${server}, seed ${values.seed}, ${values.kills} kills, ${values.rate} updates/s`,
  );
  const report = await runKillCampaign({
    server,
    seed: Number(values.seed),
    kills: Number(values.kills),
    updatesPerSecond: Number(values.rate),
    onKill(done, { killsAfterReady, resumes, updatesWritten }) {
      // The other figures are known at the end only.
      if (done % 20 === 0)
        console.log(JSON.stringify({ done, killsAfterReady, resumes, updatesWritten }));
    },
  });
  console.log(`converged: ${JSON.stringify(report)}`);
}
