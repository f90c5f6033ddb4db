import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runSimulation } from "../sim/simulation.js";
import { integerBelow, randomFrom, seedOfRun } from "../support/seed.js";

const SCRIPTS = fileURLToPath(new URL("../../scripts/", import.meta.url));
/** At a time, of processes that do little but start. */
const CONCURRENCY = 4;

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs a script as `npm run` does. */
async function ran(script: string, ...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [`${SCRIPTS}${script}.js`, ...args]);
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on("close", resolve);
    child.on("error", reject);
  });
  return { status, out, err };
}

const more = "; --help shows what there is\n";
const isNoNumber = (name: string, least: number, text: string): string =>
  `--${name} is a whole number of at least ${least}, not "${text}"${more}`;

/** What no campaign is to be begun with, by script. */
const nonsense: readonly (readonly [script: string, args: readonly string[], err: string])[] = [
  ["sim", ["--seed", "3", "--steps", "abc"], isNoNumber("steps", 1, "abc")],
  ["sim", ["--seed", "3", "--steps", "0"], isNoNumber("steps", 1, "0")],
  ["sim", ["--seed", "abc"], isNoNumber("seed", 0, "abc")],
  ["sim", ["--seeds", "9"], `--seeds is a range A..B, not "9"${more}`],
  ["sim", ["--seeds", "9..3"], `--seeds is a range A..B with A no more than B, not 9..3${more}`],
  ["sim", ["--seeds", "1..2", "--seed", "1"], `--seed and --seeds do not go together${more}`],
  ["teeth", ["--no-such"], `Unknown option '--no-such'${more}`],
  ["teeth", ["--seeds", "x"], isNoNumber("seeds", 1, "x")],
  ["crash", ["--kills", "x"], isNoNumber("kills", 1, "x")],
  ["crash", ["--kills", "0"], isNoNumber("kills", 1, "0")],
  ["crash", ["--disks", "odd"], `--disks is one of well, ill, both, not "odd"${more}`],
  ["fuzz", ["--count", "1e3"], isNoNumber("count", 1, "1e3")],
  ["sweep", ["--count", "-1"], `Option '--count' argument is ambiguous${more}`],
  ["sweep", ["--count=-1"], isNoNumber("count", 1, "-1")],
  ["faults", ["--only", "cut,odd"], `--only: no cell is called odd${more}`],
  ["faults", ["--storm", ""], isNoNumber("storm", 1, "")],
  ["explore", ["--keys", "31"], `--keys is a whole number 1 to 30, not "31"${more}`],
  ["followers", ["--format", "4"], `--format is one of 2, 3, not "4"${more}`],
  ["lock-fight", ["--count", "1.5"], isNoNumber("count", 1, "1.5")],
];
const scripts = [...new Set(nonsense.map(([script]) => script))];

describe("the script of a campaign", { concurrency: CONCURRENCY }, () => {
  for (const [script, args, err] of nonsense) {
    test(`${script} ${args.join(" ")} begins nothing, and says why in a line`, async () => {
      assert.deepEqual(await ran(script, ...args), { status: 2, out: "", err });
    });
  }
  for (const script of scripts) {
    test(`${script} says what it takes`, async () => {
      const { status, out, err } = await ran(script, "--help");
      assert.deepEqual({ status, err }, { status: 0, err: "" });
      assert.ok(out.includes(`\nnpm run ${script} -- --`), out);
    });
  }
});

test("many seeds end in one hash of their traces in the order of the seeds, on as many processes as one likes", async () => {
  const seed = seedOfRun();
  const [steps, first, seeds] = [20, integerBelow(randomFrom(seed), 1000), 3];
  const traces = createHash("sha256");
  for (let each = first; each < first + seeds; each += 1) {
    traces.update(`${(await runSimulation(each, steps)).hash}\n`);
  }
  const range = `${first}..${first + seeds - 1}`;
  const { status, out } = await ran("sim", "--seeds", range, "--steps", `${steps}`, "--jobs", "2");
  assert.equal(status, 0, `MILLPOND_SEED=${seed}: ${out}`);
  const line = `all traces, in the order of the seeds: ${traces.digest("hex").slice(0, 16)}\n`;
  assert.ok(out.endsWith(line), `MILLPOND_SEED=${seed}: ${out}`);
});
