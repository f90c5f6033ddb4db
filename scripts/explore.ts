import type { Forgetting } from "../test/explore/bucket-kind.js";
import type { Bounds } from "../test/explore/happenings.js";
import { productionModel } from "../test/explore/replica-model.js";
import { explore } from "../test/explore/search.js";
import { modelWith, variants } from "../test/explore/variants.js";
import { argumentsOf, choice, wholeNumber } from "./arguments.js";

const usage = `
Goes through every small history of a bucket and its replica, with the rules as they are and with each broken one. Prints how many
states there were, and for each broken rule what gave it away. Ends with status 1 where the rules as they are do not hold, or where
nothing gave a broken one away.

npm run explore -- --depth 3

--depth N        messages stored in one history (3)
--keys N         keys of the bucket (2)
--losses N       messages that are lost on the way (2)
--faults N       faults of other kinds (1)
--forgets WHAT   age, "time to live" or markers: the bucket forgets by it
--ticks N        how often time passes (0)
--scope HOW      narrow or widens: one key is not followed
--retain         the copy keeps what the bucket forgets
--races          audits take their time beside the flow
`;
const values = argumentsOf(usage, {
  depth: { type: "string", default: "3" },
  keys: { type: "string", default: "2" },
  losses: { type: "string", default: "2" },
  faults: { type: "string", default: "1" },
  ticks: { type: "string", default: "0" },
  forgets: { type: "string" },
  scope: { type: "string" },
  retain: { type: "boolean", default: false },
  races: { type: "boolean", default: false },
});
/** Sets of keys are bits of one number. */
const KEYS_MAX = 30;
const forgettings: readonly Forgetting[] = ["age", "time to live", "markers"];
const { forgets, scope } = values;
const bounds: Bounds = {
  keys: wholeNumber("keys", values.keys, 1, KEYS_MAX),
  appends: wholeNumber("depth", values.depth, 1),
  losses: wholeNumber("losses", values.losses, 0),
  faults: wholeNumber("faults", values.faults, 0),
  ticks: wholeNumber("ticks", values.ticks, 0),
  evictions: values.retain ? "retain" : "mirror",
  races: values.races,
  ...(forgets === undefined ? {} : { forgets: choice("forgets", forgets, forgettings) }),
  ...(scope === undefined ? {} : { scope: choice("scope", scope, ["narrow", "widens"]) }),
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
