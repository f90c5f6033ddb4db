// Lets things go wrong between a replica and real servers, and prints what came of it as a table:
// `npm run faults -- --seed 1 --only cut,purge-all:2.15:all:idle`. All of it takes most of an hour.
// `--told` prints what the replicas told in each.
// `npm run faults -- --seed 1 --storm 50 --only ::prefixes` lets them happen to one replica one after another instead.
import { parseArgs } from "node:util";
import { cellsOf, complaintsOf, rowOf, runCells, tableHead } from "../test/faults/matrix.js";
import { runStorm } from "../test/faults/storm.js";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    only: { type: "string" },
    storm: { type: "string" },
    told: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
const cells = cellsOf(values.only, seed);
if (cells.length === 0) throw new Error(`no cell is called ${values.only}`);
const complaints = await (values.storm === undefined ? table() : storms(Number(values.storm)));
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
async function storms(rounds: number): Promise<string[]> {
  const found: string[] = [];
  const names = new Set(cells.map(({ version, scope }) => `${version} ${scope}`));
  for (const name of names) {
    const cell = cells.find(({ version, scope }) => `${version} ${scope}` === name);
    if (cell === undefined) continue;
    const { version, scope } = cell;
    console.log(`seed ${seed}, ${rounds} rounds on ${name}`);
    const report = await runStorm({
      version,
      scope,
      seed,
      rounds,
      onRound: (happened, inSyncMs) =>
        console.log(`${happened.join(", ")}: in sync after ${inSyncMs} ms`),
    });
    console.log(JSON.stringify(report));
    for (const violation of report.violations) {
      found.push(`--seed ${seed} --storm ${rounds} --only :${version}:${scope}: ${violation}`);
    }
  }
  return found;
}
