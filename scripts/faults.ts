// Lets things go wrong between a replica and real servers, and prints what came of it as a table:
// `npm run faults -- --seed 1 --only cut,purge-all:2.15:all:idle`. All of it takes about half an hour.
import { parseArgs } from "node:util";
import { cellsOf, complaintsOf, rowOf, runCells, tableHead } from "../test/faults/matrix.js";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    only: { type: "string" },
  },
});
const cells = cellsOf(values.only, Number(values.seed));
if (cells.length === 0) throw new Error(`no cell is called ${values.only}`);
console.log(`seed ${values.seed}, ${cells.length} cells\n\n${tableHead}`);
const results = await runCells(cells, (result) => console.log(rowOf(result)));
const complaints = complaintsOf(results);
console.log(`\n${results.length} cells, ${complaints.length} violations`);
for (const complaint of complaints) console.log(complaint);
process.exitCode = complaints.length === 0 ? 0 : 1;
