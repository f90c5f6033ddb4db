import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { shrink } from "./shrink.js";
import { replayScript, runSimulation, type Script } from "./simulation.js";

/** A slice of what `npm run sim` does at length. */
const SEEDS = 100;
const STEPS = 700;
const FIRST = Number(process.env["MILLPOND_SEED"] ?? 1);

// Called with the store that it was taken from, always.
// oxlint-disable-next-line typescript/unbound-method
const original = AppendLogSnapshot.prototype.apply;

const forgetful: typeof original = function forgetful(this: AppendLogSnapshot, batch, ...rest) {
  return original.call(
    this,
    batch.filter(({ key }) => key !== "a.0"),
    ...rest,
  );
};

/** The store forgets every update of one key, from here to the end of the test. */
function breakStore(): Disposable {
  AppendLogSnapshot.prototype.apply = forgetful;
  return {
    [Symbol.dispose]: () => {
      AppendLogSnapshot.prototype.apply = original;
    },
  };
}

describe("a simulation", () => {
  test("of any seed breaks no promise, and the copy is the bucket once nothing fails any more", async () => {
    for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
      const { violation } = await runSimulation(seed, STEPS);
      assert.deepEqual(violation, undefined, `seed ${seed}: npm run sim -- --seed ${seed}`);
    }
  });

  test("of one seed is the same each time, and of another one another", async () => {
    const [first, second, other] = [
      await runSimulation(FIRST, STEPS),
      await runSimulation(FIRST, STEPS),
      await runSimulation(FIRST + 1, STEPS),
    ];
    assert.equal(first.hash, second.hash);
    assert.notEqual(first.hash, other.hash);
    assert.ok(first.steps >= STEPS);
  });

  test("finds a store that forgets, replays it exactly, and shrinks it to a short script", async () => {
    using _ = breakStore();
    const result = await runSimulation(4, STEPS);
    const { violation, script } = result;
    assert.ok(violation !== undefined, "nothing was found");
    const again = await replayScript(JSON.parse(JSON.stringify(script)) as Script);
    assert.equal(again.hash, result.hash);
    assert.deepEqual(again.violation, violation);
    const short = await shrink(script, violation.check, { runs: 150 });
    assert.ok(short.actions.length <= 3, `${short.actions.length} actions are left`);
    assert.equal((await replayScript(short)).violation?.check, violation.check);
  });
});
