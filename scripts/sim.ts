import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { shrink } from "../test/sim/shrink.js";
import {
  replayScript,
  runSimulation,
  type Script,
  type SimulationOptions,
  type SimulationResult,
} from "../test/sim/simulation.js";
import { argumentsOf, badUsage, wholeNumber, wholeRange } from "./arguments.js";

const usage = `
Runs the whole of Millpond, single-threaded, on a virtual clock, disk, bucket and line, with faults that come from a seed, and checks
what it promises after each step. A failure is shrunk to a short script. Ends with status 1 where there was one, or where not all
seeds could be run.

npm run sim -- --seeds 1..1000 --steps 10000

--seed N         one seed (1)
--seeds A..B     many; at the end one hash of all traces in the order of the seeds, the same on every machine
--steps N        of each seed (10000)
--jobs N         processes, with --seeds (one a core)
--trace          prints all that happens in the one seed
--script FILE    replays a script
--keep DIR       where the scripts of failures go (.build/sim)
--shrink-runs N  tries to make a script short (300)
`;
const values = argumentsOf(usage, {
  seed: { type: "string" },
  seeds: { type: "string" },
  steps: { type: "string", default: "10000" },
  jobs: { type: "string", default: String(availableParallelism()) },
  trace: { type: "boolean", default: false },
  script: { type: "string" },
  keep: { type: "string", default: join(".build", "sim") },
  "shrink-runs": { type: "string", default: "300" },
  /** Of the processes that work for one: which of the seeds are its own. */
  part: { type: "string" },
});
if (values.seeds !== undefined && values.seed !== undefined) {
  badUsage("--seed and --seeds do not go together");
}
if (values.seeds !== undefined && values.trace) badUsage("--trace goes with one --seed");
const seedAlone = wholeNumber("seed", values.seed ?? "1", 0);
const [from, to] = wholeRange("seeds", values.seeds ?? "1..1");
const steps = wholeNumber("steps", values.steps, 1);
const jobs = wholeNumber("jobs", values.jobs, 1);
const shrinkRuns = wholeNumber("shrink-runs", values["shrink-runs"], 0);
const options: SimulationOptions = values.trace ? { onTrace: (line) => console.log(line) } : {};

/** What one process tells of a seed. */
interface Told {
  readonly seed: number;
  readonly steps: number;
  /** All that was done, and what of it found the copy open and live. */
  readonly actions: readonly [all: number, open: number, live: number];
  readonly failed: boolean;
  readonly hash: string;
  readonly text: string;
}

if (values.script !== undefined) {
  const result = await replayScript(scriptIn(values.script), options);
  console.log(tellOf(result).text);
  process.exit(result.violation === undefined ? 0 : 1);
}
if (values.part !== undefined) {
  await runPart(values.part);
} else if (values.seeds === undefined) {
  const told = await runSeed(seedAlone);
  console.log(told.text);
  process.exit(told.failed ? 1 : 0);
} else {
  await runAll();
}

function scriptIn(file: string): Script {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Script;
  } catch (error) {
    return badUsage(`--script ${file} cannot be read: ${(error as Error).message}`);
  }
}

async function runSeed(seed: number): Promise<Told> {
  const result = await runSimulation(seed, steps, options);
  const told = tellOf(result);
  if (result.violation === undefined) return told;
  const { check } = result.violation;
  const short = await shrink(result.script, check, { runs: shrinkRuns });
  mkdirSync(values.keep, { recursive: true });
  const file = join(values.keep, `seed-${seed}.json`);
  writeFileSync(file, `${JSON.stringify(short, undefined, 1)}\n`);
  const lines = [
    told.text,
    `  shrunk to ${short.actions.length} actions: npm run sim -- --script ${file}`,
  ];
  return { ...told, text: lines.join("\n") };
}

function tellOf(result: SimulationResult): Told {
  const {
    seed,
    steps: done,
    hash,
    violation,
    virtualMs,
    script,
    openActions,
    liveActions,
  } = result;
  const seconds = (virtualMs / 1000).toFixed(0);
  const how =
    violation === undefined
      ? "ok"
      : `FAILED at step ${violation.step}, ${violation.at} ms: ${violation.check}: ${violation.text}`;
  const text = `seed ${seed}: ${done} steps, ${seconds} s of virtual time, trace ${hash}: ${how}`;
  const actions = [script.actions.length, openActions, liveActions] as const;
  return { seed, steps: done, actions, failed: violation !== undefined, hash, text };
}

async function runPart(part: string): Promise<void> {
  const [index = 0, count = 1] = part.split("/").map((text) => wholeNumber("part", text, 0));
  for (let seed = from + index; seed <= to; seed += count) {
    process.stdout.write(`${JSON.stringify(await runSeed(seed))}\n`);
  }
  // Not before all of it is with the reader.
  process.stdout.end(() => process.exit(0));
}

async function runAll(): Promise<void> {
  const began = performance.now();
  const hashes = new Map<number, string>();
  let total = 0;
  let failed = 0;
  let [all, open, live] = [0, 0, 0];
  const take = ({ seed, steps: done, actions, failed: hasFailed, hash, text }: Told): void => {
    all += actions[0];
    open += actions[1];
    live += actions[2];
    hashes.set(seed, hash);
    total += done;
    if (hasFailed) failed += 1;
    if (hasFailed || hashes.size % 50 === 0) console.log(text);
  };
  const processes = Math.min(jobs, to - from + 1);
  const parts = Array.from({ length: processes }, (_, index) =>
    runChild(`${index}/${processes}`, take),
  );
  const codes = await Promise.all(parts);
  const seconds = (performance.now() - began) / 1000;
  const rate = Math.round(total / seconds);
  console.log(
    `${hashes.size} seeds, ${total} steps in ${seconds.toFixed(0)} s (${rate} a second): ${failed} failed`,
  );
  const share = (part: number): string => `${Math.round((100 * part) / all)} %`;
  console.log(`${all} actions: ${share(open)} found the copy open, ${share(live)} live`);
  const isWhole = codes.every((code) => code === 0) && hashes.size === to - from + 1;
  if (isWhole) console.log(`all traces, in the order of the seeds: ${hashOfAll(hashes)}`);
  else console.log(`cut short: not all seeds were run: exit ${codes.join(", ")}`);
  process.exit(failed === 0 && isWhole ? 0 : 1);
}

/** The same whichever process came first. */
function hashOfAll(hashes: ReadonlyMap<number, string>): string {
  const all = createHash("sha256");
  for (let seed = from; seed <= to; seed += 1) all.update(`${hashes.get(seed)}\n`);
  return all.digest("hex").slice(0, 16);
}

function runChild(part: string, take: (told: Told) => void): Promise<number | null> {
  const self = fileURLToPath(import.meta.url);
  const args = [self, "--seeds", `${from}..${to}`, "--steps", values.steps, "--part", part];
  const more = ["--keep", values.keep, "--shrink-runs", values["shrink-runs"]];
  const child = spawn(process.execPath, [...args, ...more], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  createInterface({ input: child.stdout }).on("line", (line) => take(JSON.parse(line) as Told));
  return new Promise((resolve) => {
    child.on("close", resolve);
  });
}
