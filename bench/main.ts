// Measures the log and the copy against raw I/O and against what else one could use: `npm run bench`. See docs/PERFORMANCE.md.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeMachine } from "./harness/machine.js";
import { machineAsMarkdown, partAsMarkdown } from "./harness/markdown.js";
import { runPart, type PreparedSoFar } from "./harness/run-part.js";
import { summarise, type Summary } from "./harness/summary.js";
import { parseOptions, USAGE, type BenchOptions } from "./options.js";
import { parts } from "./parts/index.js";
import { installPeers } from "./rivals/install-peers.js";
import { PEER_NAMES, whyAbsent } from "./rivals/peers.js";

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

let options: BenchOptions;
try {
  options = parseOptions(process.argv.slice(2), parts);
} catch (error) {
  say(`${(error as Error).message}\n\n${USAGE}`);
  process.exit(2);
}
const machine = describeMachine(options);
const absent = await findPeers(options.peers);
const directory = await mkdtemp(join(options.directory ?? tmpdir(), "millpond-bench-"));
const summaries: Summary[] = [];
const made: PreparedSoFar = new Map();
try {
  if (!options.json) process.stdout.write(`${machineAsMarkdown(machine)}\n`);
  for (const part of options.parts) {
    const results = await runPart(
      part,
      { ...options, directory, say, whyAbsent: (peer) => absent.get(peer) },
      made,
    );
    const summary = summarise(part, results);
    summaries.push(summary);
    if (!options.json) process.stdout.write(`\n${partAsMarkdown(part, summary)}\n`);
  }
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ machine, parts: summaries }, undefined, 2)}\n`);
  }
} finally {
  await rm(directory, { recursive: true, force: true });
}

/** Why a peer is left out, by its name. */
async function findPeers(wanted: boolean): Promise<ReadonlyMap<string, string>> {
  if (wanted) await installPeers(say);
  const reasons = new Map<string, string>();
  for (const name of PEER_NAMES) {
    const reason = wanted ? await whyAbsent(name) : "left out by --no-peers";
    if (reason !== undefined) reasons.set(name, reason);
  }
  return reasons;
}
