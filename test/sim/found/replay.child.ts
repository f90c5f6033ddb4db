// Replays scripts, whose files are its arguments. Prints a line for each: the check that found something, or nothing.
import { readFileSync } from "node:fs";
import process from "node:process";
import { replayScript, type Script } from "../simulation.js";
import { plantedHere, requirePlanted } from "../teeth/planted.js";

requirePlanted(plantedHere());
for (const file of process.argv.slice(2)) {
  const { violation } = await replayScript(JSON.parse(readFileSync(file, "utf8")) as Script);
  process.stdout.write(`${violation?.check ?? ""}\n`);
}
process.exit(0);
