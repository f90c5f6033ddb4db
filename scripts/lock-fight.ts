import { runLockFight } from "../test/crash/lock-fight.js";
import { argumentsOf, freshSeed, wholeNumber } from "./arguments.js";

const usage = `
Lets processes fight for one log while they are killed. Throws at the first thing that is not as promised.

npm run lock-fight -- --count 500 --seed 1 --fighters 4

--count N     kills (200)
--fighters N  processes at a time (4)
--seed N      (a fresh one)
`;
const values = argumentsOf(usage, {
  count: { type: "string", default: "200" },
  seed: { type: "string", default: freshSeed() },
  fighters: { type: "string", default: "4" },
});
const plan = {
  seed: wholeNumber("seed", values.seed, 0),
  fighters: wholeNumber("fighters", values.fighters, 2),
  kills: wholeNumber("count", values.count, 1),
};
console.log(`seed ${plan.seed}, ${plan.fighters} processes, ${plan.kills} kills`);
const report = await runLockFight({
  ...plan,
  onKill(done) {
    if (done % 50 === 0) console.log(`${done} kills`);
  },
});
console.log(`sound: ${JSON.stringify(report)}`);
