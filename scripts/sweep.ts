import { parseArgs } from "node:util";
import { sweepFrames } from "../test/log/sweep/changes.js";
import { longSample } from "../test/log/sweep/samples.js";
import { randomFrom } from "../test/support/seed.js";

/**
 * `npm run sweep -- --seed N --count M`: M (default 100,000) flipped bits and truncations of a log of 1 MiB of each format.
 * Throws at the first that loses something in silence, reads wrong data, or ends in an error that is not ours.
 */
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
function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
