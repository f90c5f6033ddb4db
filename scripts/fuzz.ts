import { fuzz, type Failure, type Tally } from "../test/fuzz/engine.js";
import { keep } from "../test/fuzz/kept.js";
import type { Target } from "../test/fuzz/target.js";
import { targets } from "../test/fuzz/targets.js";
import { seedOfRun } from "../test/support/seed.js";
import { argumentsOf, choicesOf, wholeNumber } from "./arguments.js";

const usage = `
Feeds inputs to each parser that is given bytes from outside, and prints what came of them as a table. A failure is printed with the
seed and the index that make it again, and a smaller input that fails as well is written to test/fixtures/fuzz, where the tests try
it from then on. Ends with status 1 where there was one.

npm run fuzz -- --seed 1 --count 100000 --only read-v3,servers

--count N       inputs of the quickest targets; a slow one gets a part of that (100000)
--seed N        (a fresh one)
--only TARGETS  with commas between them (all)
--index N       only the input of that index, of each target
`;
const values = argumentsOf(usage, {
  seed: { type: "string", default: String(seedOfRun()) },
  count: { type: "string", default: "100000" },
  only: { type: "string" },
  index: { type: "string" },
});
const seed = wholeNumber("seed", values.seed, 0);
const count = wholeNumber("count", values.count, 1);
const index = values.index === undefined ? undefined : wholeNumber("index", values.index, 0);
const all = targets.map(({ name }) => name);
const names = choicesOf("only", values.only, all);

say(`seed ${seed}`);
say(row("target", "inputs", "slowest", "failures", "what came of them"));
for (const target of targets) {
  if (names.includes(target.name)) await run(target);
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
