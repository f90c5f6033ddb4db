import { parseArgs } from "node:util";
import { sweepGarbage, sweepKernel } from "../test/log/sweep/campaign.js";
import { sweepFrames } from "../test/log/sweep/changes.js";
import { seedsOf } from "../test/log/sweep/garbage.js";
import { longSample } from "../test/log/sweep/samples.js";
import { randomFrom } from "../test/support/seed.js";

/**
 * `npm run sweep -- --seed N --count M`: M (default 100,000) flipped bits and truncations of a log of 1 MiB of each format, ten
 * times as many garbage inputs, and a hundredth as many that the copy in memory has to take or refuse as the plain reader does.
 * Throws at the first that loses something in silence, reads wrong data, hangs, or ends in an error that is not ours.
 */
const GARBAGE_A_CHANGE = 10;
const CHANGES_A_KERNEL = 100;
const SAMPLE_BYTES = 1024 * 1024;

const { values } = parseArgs({
  options: { seed: { type: "string" }, count: { type: "string", default: "100000" } },
});
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const count = Number(values.count);
if (!Number.isInteger(seed) || !(count >= 1))
  throw new Error("--seed and --count are whole numbers");

say(`seed ${seed}`);
for (const format of [3, 2] as const) {
  const sample = longSample(format, seed, SAMPLE_BYTES);
  const { detected, dropped } = await sweepFrames(sample, randomFrom(seed), count);
  say(
    `format ${format}: ${count} flips and truncations of ${sample.bytes.length} bytes: ${detected} detected, ` +
      `${dropped} cost whole frames at the end, 0 lost in silence, 0 wrong`,
  );
}
const tally = await sweepGarbage(randomFrom(seed), seedsOf(seed), count * GARBAGE_A_CHANGE);
say(
  `garbage: ${count * GARBAGE_A_CHANGE} inputs: ${tally.loaded} loaded, ${tally.corrupted} corrupted, ` +
    `${tally.invalid} invalid-format, the slowest ${tally.slowestMs} ms`,
);
const kernelCount = Math.ceil(count / CHANGES_A_KERNEL);
await sweepKernel(randomFrom(seed), seedsOf(seed), kernelCount);
say(`memory copy: ${kernelCount} inputs taken or refused as by the plain reader`);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
