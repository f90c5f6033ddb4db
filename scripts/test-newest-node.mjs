// Runs a selection of the compiled tests on the newest Node, which comes as an npm package (a binary, no install script),
// so that nothing works on one version only, after a check that it and this Node share one lock. Needs `npm run build:test` first.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";

const selection = process.argv.slice(2);
const name = `node-${process.platform}-${process.arch}`;
const home = resolve(".cache", "newest-node");
const binary = join(home, "node_modules", name, "bin", "node");

if (!existsSync(binary)) {
  mkdirSync(home, { recursive: true });
  run("npm", [
    "install",
    "--prefix",
    home,
    "--no-save",
    "--no-audit",
    "--no-fund",
    `${name}@latest`,
  ]);
}
run(binary, ["--version"]);
run(process.execPath, [join("scripts", "check-lock-across-nodes.mjs"), process.execPath, binary]);
run(binary, [join("scripts", "run-tests.mjs"), ...selection]);

function run(command, args) {
  const { status, error } = spawnSync(command, args, { stdio: "inherit" });
  if (error !== undefined) console.error(`cannot run ${command}: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}
