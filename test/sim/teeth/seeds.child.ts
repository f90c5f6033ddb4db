// Runs the simulation for the seeds from one to another, in so many steps each, up to the first that breaks a promise. Prints a line of
// JSON for each. `edits`: how many the fault that this process has makes.
import process from "node:process";
import { runSimulation } from "../simulation.js";

const [first = 1, last = 1, steps = 1000, edits = 0] = process.argv.slice(2).map(Number);
const made = (globalThis as { readonly millpondEdits?: number }).millpondEdits ?? 0;
if (made !== edits) throw new Error(`of ${edits} edits ${made} were made`);

for (let seed = first; seed <= last; seed += 1) {
  const { violation } = await runSimulation(seed, steps);
  const { check, text, step } = violation ?? {};
  process.stdout.write(`${JSON.stringify({ seed, check, text, step })}\n`);
  if (violation !== undefined) break;
}
process.exit(0);
