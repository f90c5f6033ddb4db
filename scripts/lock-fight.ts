// Lets processes fight for one log while they are killed: `npm run lock-fight -- --count 500 --seed 1 --fighters 4`.
import { parseArgs } from "node:util";
import { runLockFight } from "../test/crash/lock-fight.js";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "200" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    fighters: { type: "string", default: "4" },
  },
});
console.log(`seed ${values.seed}, ${values.fighters} processes, ${values.count} kills`);
const report = await runLockFight({
  seed: Number(values.seed),
  fighters: Number(values.fighters),
  kills: Number(values.count),
  onKill(done) {
    if (done % 50 === 0) console.log(`${done} kills`);
  },
});
console.log(`sound: ${JSON.stringify(report)}`);
