// Runs the whole of Millpond, single-threaded, on a virtual clock, disk, bucket and line, with faults that come from a seed, and checks
// what it promises after each step. `--seed N` one seed, `--seeds A..B` many, on `--jobs J` processes (default: one a core);
// `--steps M` of each (default 10,000); `--trace` prints all that happens. A failure is shrunk to a short script, which is kept in
// `--keep DIRECTORY` (default `.build/sim`) and replayed by `--script FILE`.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { shrink } from "../test/sim/shrink.js";
import {
  replayScript,
  runSimulation,
  type Script,
  type SimulationOptions,
  type SimulationResult,
} from "../test/sim/simulation.js";

const { values } = parseArgs({
  options: {
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
  },
});

const steps = Number(values.steps);
const options: SimulationOptions = values.trace ? { onTrace: (line) => console.log(line) } : {};

/** What one process tells of a seed. */
interface Told {
  readonly seed: number;
  readonly steps: number;
  /** All that was done, and what of it found the copy open and live. */
  readonly actions: readonly [all: number, open: number, live: number];
  readonly failed: boolean;
  readonly text: string;
}

if (values.script !== undefined) {
  const script = JSON.parse(readFileSync(values.script, "utf8")) as Script;
  const result = await replayScript(script, options);
  console.log(tellOf(result).text);
  process.exit(result.violation === undefined ? 0 : 1);
}
const [from = 1, to = from] = (values.seeds ?? values.seed ?? "1").split("..").map(Number);
if (values.part !== undefined) {
  await runPart(values.part);
} else if (from === to) {
  const told = await runSeed(from);
  console.log(told.text);
  process.exit(told.failed ? 1 : 0);
} else {
  await runAll();
}

async function runSeed(seed: number): Promise<Told> {
  const result = await runSimulation(seed, steps, options);
  const told = tellOf(result);
  if (result.violation === undefined) return told;
  const { check } = result.violation;
  const short = await shrink(result.script, check, { runs: Number(values["shrink-runs"]) });
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
  return { seed, steps: done, actions, failed: violation !== undefined, text };
}

async function runPart(part: string): Promise<void> {
  const [index = 0, count = 1] = part.split("/").map(Number);
  for (let seed = from + index; seed <= to; seed += count) {
    process.stdout.write(`${JSON.stringify(await runSeed(seed))}\n`);
  }
  // Not before all of it is with the reader.
  process.stdout.end(() => process.exit(0));
}

async function runAll(): Promise<void> {
  const began = performance.now();
  const jobs = Number(values.jobs);
  let seeds = 0;
  let total = 0;
  let failed = 0;
  let [all, open, live] = [0, 0, 0];
  const take = ({ steps: done, actions, failed: hasFailed, text }: Told): void => {
    all += actions[0];
    open += actions[1];
    live += actions[2];
    seeds += 1;
    total += done;
    if (hasFailed) failed += 1;
    if (hasFailed || seeds % 50 === 0) console.log(text);
  };
  const parts = Array.from({ length: jobs }, (_, index) => runChild(`${index}/${jobs}`, take));
  const codes = await Promise.all(parts);
  const seconds = (performance.now() - began) / 1000;
  const rate = Math.round(total / seconds);
  console.log(
    `${seeds} seeds, ${total} steps in ${seconds.toFixed(0)} s (${rate} a second): ${failed} failed`,
  );
  const share = (part: number): string => `${Math.round((100 * part) / all)} %`;
  console.log(`${all} actions: ${share(open)} found the copy open, ${share(live)} live`);
  const isWhole = codes.every((code) => code === 0) && seeds === to - from + 1;
  if (!isWhole) console.log(`not all seeds were run: exit ${codes.join(", ")}`);
  process.exit(failed === 0 && isWhole ? 0 : 1);
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
