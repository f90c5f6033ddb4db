import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import {
  MachineClock,
  ManualClock,
  randomFrom,
  SimulatedDatabase,
} from "../../src/testing/index.js";
import { seedOfRun } from "../support/seed.js";

const seed = seedOfRun();
const refused = (error: unknown): boolean => isMillpondError(error, "invalid-argument");

describe("a simulated database", () => {
  test("does what it is asked for in that order, and keeps it for the next process", async () => {
    const clock = new ManualClock();
    const database = new SimulatedDatabase(randomFrom(seed));
    const session = database.connect(clock);
    const asked = [
      session.set("a", "1"),
      session.get("a"),
      session.write([
        ["a", undefined],
        ["b", "2"],
        ["c", "3"],
      ]),
      session.delete("c"),
      session.entries(),
    ];
    await clock.run(100);
    const [, got, , , entries] = await Promise.all(asked);
    assert.equal(got, "1");
    assert.deepEqual(entries, [["b", "2"]]);
    const found = database.connect(clock).get("b");
    await clock.run(100);
    assert.equal(await found, "2");
    assert.deepEqual([...database.rows], [["b", "2"]]);
  });

  test("fails with the code of a broken line, and what was asked for has been done, or not", async () => {
    const clock = new ManualClock();
    const database = new SimulatedDatabase(randomFrom(seed));
    const session = database.connect(clock);
    database.fail();
    const keys = Array.from({ length: 40 }, (_, index) => `${index}`);
    const writes = Promise.allSettled(keys.map((key) => session.set(key, "x")));
    await clock.run(1000);
    for (const written of await writes) {
      assert.equal(written.status, "rejected");
      assert.equal((written.reason as { readonly code?: string }).code, "ECONNRESET");
    }
    const done = database.rows.size;
    assert.ok(done > 0 && done < keys.length, `MILLPOND_SEED=${seed}: ${done} were done`);
    database.fail(0);
    const last = session.set("last", "x");
    await clock.run(100);
    await last;
  });

  test("refuses a chance that is none, and a time that is no function", () => {
    const database = new SimulatedDatabase(randomFrom(seed));
    for (const chance of [-0.1, 1.1, Number.NaN]) {
      assert.throws(() => database.fail(chance), refused, `${chance}`);
    }
    assert.throws(() => (database.latencyMs = 5 as never), refused);
  });

  test("answers nothing to a process that has died, and may have done what it asked for last", async () => {
    const outcomes = new Set<string>();
    for (let run = 0; run < 40; run += 1) {
      const clock = new ManualClock();
      const machine = new MachineClock(clock);
      const burial = new AbortController();
      const database = new SimulatedDatabase(randomFrom(seed + run));
      const session = database.connect(machine, burial.signal);
      let isAnswered = false;
      const asked = [session.set("a", "1"), session.set("b", "1")];
      for (const each of asked) void each.then(() => (isAnswered = true)).catch(() => undefined);
      await clock.run(0);
      machine.kill();
      await clock.run(1000);
      assert.equal(isAnswered, false);
      assert.equal(database.rows.has("b"), false);
      outcomes.add(database.rows.has("a") ? "done" : "not done");
      burial.abort(new Error("over"));
      await Promise.allSettled(asked);
      await assert.rejects(asked[1] ?? Promise.resolve(), /over/);
    }
    assert.deepEqual([...outcomes].toSorted(), ["done", "not done"], `MILLPOND_SEED=${seed}`);
  });
});
