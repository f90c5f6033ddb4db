import { faults } from "../test/sim/teeth/faults/index.js";
import { type Catch, Hunt } from "../test/sim/teeth/hunt.js";
import { argumentsOf, choicesOf, wholeNumber } from "./arguments.js";

const usage = `
Puts deliberate faults into the code, one at a time, and looks how many seeds the simulator needs to find each. Ends with status 1
where a fault is not found.

npm run teeth -- --seeds 200 --steps 3000

--seeds N    seeds that are tried for each fault (200)
--from N     the first of them (1)
--steps N    of each seed (3000)
--only IDS   faults, with commas between them (all)
--jobs N     faults at a time (1)
`;
const values = argumentsOf(usage, {
  seeds: { type: "string", default: "200" },
  from: { type: "string", default: "1" },
  steps: { type: "string", default: "3000" },
  only: { type: "string" },
  jobs: { type: "string", default: "1" },
});
const first = wholeNumber("from", values.from, 0);
const last = first + wholeNumber("seeds", values.seeds, 1) - 1;
const steps = wholeNumber("steps", values.steps, 1);
const jobs = wholeNumber("jobs", values.jobs, 1);
const all = faults.map(({ id }) => id);
const only = choicesOf("only", values.only, all);
const wanted = faults.filter(({ id }) => only.includes(id));
const hunt = new Hunt({ first, last, steps });

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function line({ fault, finding, seeds, byTest }: Catch): string {
  const start = `${fault.id.padEnd(28)} ${String(fault.invariant).padStart(2)}`;
  if (byTest) return `${start}      by test  ${fault.test?.name}`;
  if (finding === undefined) return `${start}    NOT FOUND  in ${seeds} seeds: ${fault.wrong}`;
  const { seed, step, check, text } = finding;
  const where = `${String(seeds).padStart(5)} ${String(seed).padStart(5)} ${String(step ?? "").padStart(6)}`;
  return `${start} ${where}  ${check}: ${text.split("\n")[0]?.slice(0, 110)}`;
}

say(`${"fault".padEnd(28)} no seeds  seed   step  what gave it away`);
const queue = [...wanted];
let missed = 0;
async function work(): Promise<void> {
  for (let fault = queue.shift(); fault !== undefined; fault = queue.shift()) {
    const found = await hunt.find(fault);
    if (found.finding === undefined && !found.byTest) missed += 1;
    say(line(found));
  }
}
await Promise.all(Array.from({ length: jobs }, work));
for (const { seed, check, text } of await hunt.unsound()) {
  say(`seed ${seed} was left out, it breaks a promise without a fault: ${check}: ${text}`);
}
say(`${wanted.length - missed} of ${wanted.length} faults found`);
process.exitCode = missed === 0 ? 0 : 1;
