import { parseArgs } from "node:util";
import { fuzz, type Failure, type Tally } from "../test/fuzz/engine.js";
import { keep } from "../test/fuzz/kept.js";
import type { Target } from "../test/fuzz/target.js";
import { targets } from "../test/fuzz/targets.js";
import { seedOfRun } from "../test/support/seed.js";

/**
 * `npm run fuzz -- --seed N --count M --only read-v3,servers --index I`: feeds M inputs (default 100,000) to each parser that is given
 * bytes from outside; to a slow one a part of that. Prints what came of them as a table. A failure is printed with the seed and the
 * index that make it again, and a smaller input that fails as well is written to test/fixtures/fuzz, where the tests try it
 * from then on. Ends with status 1 where there was one.
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    count: { type: "string", default: "100000" },
    only: { type: "string" },
    index: { type: "string" },
  },
});
const seed = values.seed === undefined ? seedOfRun() : Number(values.seed);
const count = Number(values.count);
const index = values.index === undefined ? undefined : Number(values.index);
if (!Number.isInteger(seed) || !(count >= 1) || Number.isNaN(index)) {
  throw new Error("--seed, --count and --index are whole numbers");
}
const names = values.only?.split(",");
const unknown = names?.find((name) => !targets.some((target) => target.name === name));
if (unknown !== undefined) {
  throw new Error(`no target ${unknown}: ${targets.map(({ name }) => name).join(" ")}`);
}

say(`seed ${seed}`);
say(row("target", "inputs", "slowest", "failures", "what came of them"));
for (const target of targets) {
  if (names !== undefined && !names.includes(target.name)) continue;
  await run(target);
}

async function run(target: Target): Promise<void> {
  const wanted = Math.ceil((count * target.share) / 1000);
  const tally = await fuzz(target, seed, { count: wanted, only: index });
  await target.end?.();
  say(rowOf(tally));
  for (const failure of tally.failures) await report(target, failure);
}

async function report(target: Target, failure: Failure): Promise<void> {
  process.exitCode = 1;
  const { index: at, error } = failure;
  const path = await keep(target, `seed-${seed}-${at}`, failure.smallest);
  say(`  --seed ${seed} --only ${target.name} --index ${at}, a smaller one in ${path}`);
  say(String(error instanceof Error ? error.stack : error).replaceAll(/^/gm, "    "));
}

function rowOf({ target, inputs, verdicts, slowestMs, failures }: Tally): string {
  const came = [...verdicts]
    .toSorted(([, a], [, b]) => b - a)
    .map(([verdict, n]) => `${n} ${verdict}`);
  return row(
    target,
    String(inputs),
    `${Math.round(slowestMs)} ms`,
    String(failures.length),
    came.join(", "),
  );
}

function row(
  target: string,
  inputs: string,
  slowest: string,
  failures: string,
  came: string,
): string {
  return `${target.padEnd(16)}${inputs.padStart(9)}${slowest.padStart(10)}${failures.padStart(10)}  ${came}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
