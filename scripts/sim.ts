import { parseArgs } from "node:util";
import { runSimulation } from "../test/sim/simulation.js";
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    steps: { type: "string", default: "10000" },
    seeds: { type: "string" },
    trace: { type: "boolean", default: false },
  },
});
const [from = 1, to = 1] = (values.seeds ?? `${values.seed}..${values.seed}`)
  .split("..")
  .map(Number);
for (let seed = from; seed <= to; seed += 1) {
  const began = performance.now();
  const r = await runSimulation(
    seed,
    Number(values.steps),
    values.trace ? { onTrace: (line) => console.log(line) } : {},
  );
  const s = (performance.now() - began) / 1000;
  console.log(
    `seed ${seed}: ${r.steps} steps ${(r.steps / s).toFixed(0)}/s hash ${r.hash} virtual ${(r.virtualMs / 1000).toFixed(0)} s converged ${(r.convergedMs / 1000).toFixed(1)} s ${r.violation ? JSON.stringify(r.violation) : "ok"}`,
  );
}
process.exit(0);
