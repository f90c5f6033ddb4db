import { sweepFrames } from "../test/log/sweep/changes.js";
import { longSample } from "../test/log/sweep/samples.js";
import { randomFrom, seedOfRun } from "../test/support/seed.js";
import { argumentsOf, wholeNumber } from "./arguments.js";

const usage = `
Flips bits of a log of 1 MiB of each format, and cuts it off. Throws at the first change that loses something in silence, reads wrong
data, or ends in an error that is not ours.

npm run sweep -- --seed 1 --count 100000

--count N  flips and truncations of each format (100000)
--seed N   (a fresh one)
`;
const SAMPLE_BYTES = 1024 * 1024;

const values = argumentsOf(usage, {
  seed: { type: "string", default: String(seedOfRun()) },
  count: { type: "string", default: "100000" },
});
const seed = wholeNumber("seed", values.seed, 0);
const count = wholeNumber("count", values.count, 1);

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
