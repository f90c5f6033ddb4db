// Runs the simulation for the seeds from one to another, in so many steps each, up to the first that breaks a promise. Prints a line once it
// has come so far that what is loaded has the fault, and a line of JSON for each seed. With a fault (MILLPOND_FAULT) only for those that can meet it.
import process from "node:process";
import { configOf } from "../config.js";
import { runSimulation } from "../simulation.js";
import { plantedHere, requirePlanted } from "./planted.js";

const [first = 1, last = 1, steps = 1000] = process.argv.slice(2).map(Number);
const fault = plantedHere();
requirePlanted(fault);
process.stdout.write("ready\n");

for (let seed = first; seed <= last; seed += 1) {
  if (fault?.needs?.(configOf(seed)) === false) continue;
  const { violation } = await runSimulation(seed, steps);
  const { check, text, step } = violation ?? {};
  process.stdout.write(`${JSON.stringify({ seed, check, text, step })}\n`);
  if (violation !== undefined) break;
}
process.exit(0);
