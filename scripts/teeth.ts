// Puts deliberate faults into the code, one at a time, and looks how many seeds the simulator needs to find each. `--seeds N` (default
// 200), `--from N` (1), `--steps N` (3000), `--only id,…`, `--jobs N` (1) at a time. Ends with 1 where a fault is not found.
import { parseArgs } from "node:util";
import { faults } from "../test/sim/teeth/faults/index.js";
import { type Catch, Hunt } from "../test/sim/teeth/hunt.js";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "200" },
    from: { type: "string", default: "1" },
    steps: { type: "string", default: "3000" },
    only: { type: "string" },
    jobs: { type: "string", default: "1" },
  },
});
const first = Number(values.from);
const only = values.only?.split(",");
const wanted = faults.filter(({ id }) => only?.includes(id) ?? true);
const unknown = only?.filter((id) => !faults.some((fault) => fault.id === id)) ?? [];
if (unknown.length > 0) throw new Error(`there is no fault ${unknown.join(", ")}`);
const hunt = new Hunt({
  first,
  last: first + Number(values.seeds) - 1,
  steps: Number(values.steps),
});

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
await Promise.all(Array.from({ length: Number(values.jobs) }, work));
for (const { seed, check, text } of await hunt.unsound()) {
  say(`seed ${seed} was left out, it breaks a promise without a fault: ${check}: ${text}`);
}
say(`${wanted.length - missed} of ${wanted.length} faults found`);
process.exitCode = missed === 0 ? 0 : 1;
