import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { whyAbsent } from "./peers.js";
import { PEERS_DIRECTORY } from "./require-peer.js";

const PINNED = join("bench", "peers", "package.json");
const INSTALL_MS = 5 * 60_000;
/** The one that has no binary in its package, and has to fetch or build it. */
const NEEDS_BUILD = "better-sqlite3";

/**
 * Makes the peers' folder what the pinned list says, unless it is already. No package's script is run but that of the one
 * that cannot do without; what fails costs only rows of the tables.
 */
export async function installPeers(say: (line: string) => void): Promise<void> {
  const copy = join(PEERS_DIRECTORY, "package.json");
  const pinned = readFileSync(PINNED, "utf8");
  if (existsSync(copy) && readFileSync(copy, "utf8") === pinned) return;
  mkdirSync(PEERS_DIRECTORY, { recursive: true });
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--prefix", PEERS_DIRECTORY];
  say(`installing what to compare with into ${PEERS_DIRECTORY}`);
  copyFileSync(PINNED, copy);
  run(["install", "--ignore-scripts", "--no-package-lock", ...quiet], say);
  if ((await whyAbsent(NEEDS_BUILD)) === undefined) return;
  say(`${NEEDS_BUILD} has no binary in its package: fetching or building one`);
  run(["rebuild", NEEDS_BUILD, ...quiet], say);
}

function run(args: readonly string[], say: (line: string) => void): void {
  const { status, error } = spawnSync("npm", args, {
    stdio: ["ignore", "ignore", "inherit"],
    timeout: INSTALL_MS,
    shell: process.platform === "win32",
  });
  if (status !== 0) say(`npm ${args[0] ?? ""} failed: ${error?.message ?? `status ${status}`}`);
}
