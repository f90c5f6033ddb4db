import { cellsOf, complaintsOf, rowOf, runCells, tableHead } from "../test/faults/matrix.js";
import { runStorm } from "../test/faults/storm.js";
import { argumentsOf, badUsage, freshSeed, wholeNumber } from "./arguments.js";

const usage = `
Lets things go wrong between a replica and real servers, and prints what came of it as a table. All of it takes most of an hour.
Ends with status 1 where a promise was broken or a cell could not be run.

npm run faults -- --seed 1 --only cut,purge-all:2.15:all:idle
npm run faults -- --seed 1 --storm 50 --only ::prefixes

--seed N      (a fresh one)
--only CELLS  fault:server:scope:traffic, of which each part may be left out; several with commas between them (all)
--storm N     lets N rounds of faults happen to one replica one after another instead, on each server and scope among the cells
--told        prints what the replicas told in each cell
`;
const values = argumentsOf(usage, {
  seed: { type: "string", default: freshSeed() },
  only: { type: "string" },
  storm: { type: "string" },
  told: { type: "boolean", default: false },
});
const seed = wholeNumber("seed", values.seed, 0);
const rounds = values.storm === undefined ? undefined : wholeNumber("storm", values.storm, 1);
for (const each of values.only?.split(",") ?? []) {
  if (cellsOf(each, seed).length === 0) badUsage(`--only: no cell is called ${each}`);
}
const cells = cellsOf(values.only, seed);
const complaints = await (rounds === undefined ? table() : storms(rounds));
for (const complaint of complaints) console.log(complaint);
process.exitCode = complaints.length === 0 ? 0 : 1;

async function table(): Promise<string[]> {
  console.log(`seed ${seed}, ${cells.length} cells\n\n${tableHead}`);
  const results = await runCells(cells, (result) => {
    console.log(rowOf(result));
    if (values.told) for (const told of result.report.told) console.log(`  ${told}`);
  });
  const found = complaintsOf(results);
  console.log(`\n${results.length} cells, ${found.length} violations`);
  return found;
}

/** One on each server and scope that is among the cells. */
async function storms(perCell: number): Promise<string[]> {
  const found: string[] = [];
  const names = new Set(cells.map(({ version, scope }) => `${version} ${scope}`));
  for (const name of names) {
    const cell = cells.find(({ version, scope }) => `${version} ${scope}` === name);
    if (cell === undefined) continue;
    const { version, scope } = cell;
    console.log(`seed ${seed}, ${perCell} rounds on ${name}`);
    const report = await runStorm({
      version,
      scope,
      seed,
      rounds: perCell,
      onRound: (happened, inSyncMs) =>
        console.log(`${happened.join(", ")}: in sync after ${inSyncMs} ms`),
    });
    console.log(JSON.stringify(report));
    for (const violation of report.violations) {
      found.push(`--seed ${seed} --storm ${perCell} --only :${version}:${scope}: ${violation}`);
    }
  }
  return found;
}
