// Goes through every small history of a bucket and its replica, with the rules as they are and with each broken one. Prints how many
// states there were, and for each broken rule what gave it away. `--depth N` (default 3): messages stored in one history.
// `--forgets age|"time to live"|markers` with `--ticks N`: time passes N times. `--scope narrow|widens`: one key is not followed. `--retain`:
// the copy keeps what the bucket forgets. `--races`: audits take their time beside the flow.
import { parseArgs } from "node:util";
import type { Forgetting } from "../test/explore/bucket-kind.js";
import type { Bounds } from "../test/explore/happenings.js";
import { productionModel } from "../test/explore/replica-model.js";
import { explore } from "../test/explore/search.js";
import { modelWith, variants } from "../test/explore/variants.js";

const { values } = parseArgs({
  options: {
    depth: { type: "string", default: "3" },
    keys: { type: "string", default: "2" },
    losses: { type: "string", default: "2" },
    faults: { type: "string", default: "1" },
    ticks: { type: "string", default: "0" },
    forgets: { type: "string" },
    scope: { type: "string" },
    retain: { type: "boolean", default: false },
    races: { type: "boolean", default: false },
  },
});
const forgettings: readonly Forgetting[] = ["age", "time to live", "markers"];
const forgets = forgettings.find((name) => name === values.forgets);
const scope = (["narrow", "widens"] as const).find((name) => name === values.scope);
const bounds: Bounds = {
  keys: Number(values.keys),
  appends: Number(values.depth),
  losses: Number(values.losses),
  faults: Number(values.faults),
  ticks: Number(values.ticks),
  evictions: values.retain ? "retain" : "mirror",
  races: values.races,
  ...(forgets === undefined ? {} : { forgets }),
  ...(scope === undefined ? {} : { scope }),
};

const say = (text: string): void => void process.stdout.write(`${text}\n`);

const began = performance.now();
const { states, found } = explore(productionModel, bounds);
const seconds = ((performance.now() - began) / 1000).toFixed(1);
say(`${JSON.stringify(bounds)}: ${states} states in ${seconds} s`);
if (found !== undefined) {
  say(`the rules as they are: ${found.what}: ${found.trace.join(", ")}`);
  process.exitCode = 1;
}

say("\nrule               states  broken so that it ... is given away by");
for (const variant of variants) {
  const outcome = explore(modelWith(variant), variant.bounds);
  const how = outcome.found?.trace.join(", ") ?? "NOTHING";
  const line = [variant.rule.padEnd(18), String(outcome.states).padStart(6), ` ${variant.wrong}:`];
  say(`${line.join(" ")} ${outcome.found?.what ?? ""}\n${" ".repeat(27)}${how}`);
  if (outcome.found === undefined) process.exitCode = 1;
}
