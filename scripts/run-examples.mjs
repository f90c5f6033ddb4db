// Runs every example to its end, as a user would: against the built package, the NATS one against a real server.
// Needs `npm run build` and `npm run build:test`.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { startNatsServer } from "../.build/test/support/nats-server.js";

const server = await startNatsServer({ version: "2.15.1" });
for (const name of readdirSync("examples").filter((file) => file.endsWith(".mjs"))) {
  console.log(`\n== examples/${name}`);
  const { status } = spawnSync(process.execPath, [join("examples", name), server.url], {
    stdio: "inherit",
  });
  if (status !== 0) {
    console.error(`examples/${name} ended with status ${status}`);
    process.exitCode = 1;
  }
}
await server.stop();
