import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { nextTurn } from "../../src/platform/index.js";
import {
  BadDayError,
  badDayFaults,
  simulateBadDay,
  type BadDayOptions,
} from "../../src/testing/index.js";
import {
  careless,
  counting,
  forgetful,
  hasty,
  inDatabase,
  inDatabaseBesideStore,
  inMemory,
  replica,
} from "../support/consumers.js";
import { seedOfRun } from "../support/seed.js";

const seed = seedOfRun();

/** A short day with this state. */
function gives(state: unknown, expected?: unknown): unknown {
  return {
    seed,
    durationMs: 1000,
    convergeMs: 1000,
    start: () => ({ state: () => state }),
    ...(expected === undefined ? {} : { expected: () => expected }),
  };
}

/** The error of a day that has to go wrong. */
async function failureOf(options: BadDayOptions): Promise<BadDayError> {
  try {
    await simulateBadDay({ seed, maxReruns: 0, ...options });
  } catch (error) {
    if (error instanceof BadDayError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: `MILLPOND_SEED=${seed}: nothing was found` });
}

describe("on a bad day", () => {
  const right: Readonly<Record<string, BadDayOptions>> = {
    "a replica": replica,
    "an apply with its state in memory, beside a store": inMemory(),
    "an apply with state and position in a database": inDatabase(),
    "an apply with its state in a database, made equal to its store at each start":
      inDatabaseBesideStore(),
    "an apply that counts, and writes a count with what it counted": counting(true),
  };
  for (const [who, consumer] of Object.entries(right)) {
    test(`${who} is right after each round of faults`, async () => {
      const report = await simulateBadDay({ ...consumer, seed, durationMs: 240_000 });
      assert.equal(report.rounds, 8);
      assert.ok(report.updates > 500);
      assert.ok(report.starts > 1);
      const wanted = consumer.faults ?? badDayFaults.filter((fault) => fault !== "bit-rot");
      assert.deepEqual(
        Object.keys(report.faults).filter((fault) => !wanted.includes(fault as never)),
        [],
      );
    });
  }

  const wrong: Readonly<Record<string, BadDayOptions>> = {
    "stores its position before it has applied what comes before": hasty,
    "ignores removals": inMemory((update) => update.kind !== "put"),
    "ignores what a repair removes": inMemory(
      (update) => update.kind !== "put" && update.reason === "vanished",
    ),
    "keeps its state in memory and its position on disk": forgetful,
    "counts twice what is delivered twice": {
      ...counting(false),
      faults: ["crash", "database-failure"],
      durationMs: 1_800_000,
    },
    "swallows errors": careless,
    "goes on in a database that may be ahead of its store": {
      ...inDatabaseBesideStore(false),
      faults: ["power-loss", "recreate", "roll-back"],
      durationMs: 1_200_000,
    },
  };
  for (const [what, consumer] of Object.entries(wrong)) {
    test(`an apply that ${what} is found out`, async () => {
      const error = await failureOf(consumer);
      assert.ok(error.differences.length > 0, error.message);
    });
  }
});

describe("the story of a bad day", () => {
  test("is the same for the same seed, and another for another one", async () => {
    const options = { ...inMemory(), seed, durationMs: 60_000 };
    const first = await simulateBadDay(options);
    assert.deepEqual(await simulateBadDay(options), first);
    const other = await simulateBadDay({ ...options, seed: seed + 1 });
    assert.notDeepEqual(other.story, first.story);
  });

  test("names seed, keys, times and the few faults that it takes", async () => {
    const error = await failureOf({ ...forgetful, convergeMs: 20_000, maxReruns: 100 });
    assert.equal(error.seed, seed);
    assert.match(error.message, new RegExp(`seed: ${seed}\\b`));
    const [{ key } = { key: "" }] = error.differences;
    assert.match(error.message, new RegExp(`${key}: it should have '?\\w+'?, and has nothing`));
    // What it takes is a process that starts a second time.
    const faults = error.story.filter((line) => /^\S+ {2}[a-z-]+: /.test(line));
    assert.equal(faults.length, 1, error.message);
    assert.match(faults[0] ?? "", /^\d:\d\d:\d\d\.\d{3} {2}(crash|restart|power-loss|database)/);
    assert.match(error.message, /[1-9]\d* of \d+ faults are left out/);
  });

  test("says that no fault is needed where none is", async () => {
    const error = await failureOf({
      ...inMemory((update) => update.kind === "delete"),
      durationMs: 60_000,
      convergeMs: 20_000,
      maxReruns: 30,
    });
    assert.deepEqual(
      error.story.filter((line) => /^\S+ {2}[a-z-]+: /.test(line)),
      [],
    );
    assert.match(error.message, /No fault is needed/);
    assert.doesNotMatch(error.message, /are left out/);
  });

  test("shows every write of the key that it complains of, the last one too", async () => {
    const error = await failureOf({
      ...inMemory((update) => update.kind !== "put"),
      keys: ["only"],
      faults: [],
      // Until a round ends with a removal.
      durationMs: 1_800_000,
      convergeMs: 20_000,
    });
    const writes = error.story.filter((line) => /^\S+ {2}(put|delete|purge) /.test(line));
    assert.ok(writes.length > 40, error.message);
    const last = error.message.split("\n").filter((line) => line.startsWith("  0:"));
    const shown = last.filter((line) => /^ {2}\S+ {2}(put|delete|purge) /.test(line));
    assert.deepEqual(
      shown.map((line) => line.trim()),
      writes.slice(-shown.length),
    );
    assert.ok(shown.length >= 30, error.message);
    assert.doesNotMatch(error.message, /like the two before/);
  });

  test("counts what it leaves out in good English", async () => {
    let lives = 0;
    const error = await failureOf({
      start() {
        lives += 1;
        if (lives === 1) throw new Error("no config");
        return { state: () => [] };
      },
      keys: 1,
      updatesPerSecond: 0.001,
      faults: [],
      durationMs: 10_000,
      convergeMs: 1000,
    });
    assert.match(error.message, /\(and 1 line like the two before\)/);
  });

  test("is told as it is where it does not go by the seed, and that it does not", async () => {
    let days = 0;
    const base = inMemory();
    const error = await failureOf({
      async start(process) {
        days += 1;
        const running = await base.start(process);
        return { ...running, state: () => [["day", days]] };
      },
      durationMs: 1000,
      convergeMs: 1000,
      faults: [],
      maxReruns: 5,
    });
    assert.match(error.message, /went differently when it was run again/);
  });

  test("tells why a process does not stay up, once", async () => {
    const error = await failureOf({
      start: () => Promise.reject(new Error("no config")),
      durationMs: 1000,
    });
    assert.match(error.message, /no process of it has come up and stayed/);
    assert.match(error.message, /process 1 ended by itself: no config/);
    assert.match(error.message, /lines like the two before/);
  });
});

describe("a bad day", () => {
  test("has only the faults that were asked for, and the keys and values that were given", async () => {
    const values: string[] = [];
    const report = await simulateBadDay({
      ...inMemory(),
      seed,
      faults: ["cut"],
      keys: ["only.one", "only.two"],
      value: (key, serial) => `{"key":"${key}","serial":${serial}}`,
      durationMs: 60_000,
      expected(bucket) {
        values.push(...bucket.values());
        return bucket;
      },
    });
    assert.deepEqual(Object.keys(report.faults), ["cut"]);
    assert.ok(values.length > 0);
    for (const value of values) assert.match(value, /^\{"key":"only\.(one|two)","serial":\d+\}$/);
    assert.deepEqual(
      report.story.filter((line) => line.includes("put ") && !line.includes("put only.")),
      [],
    );
  });

  test("ends with the seed although nobody waits for a sleep when a process dies", async () => {
    const unhandled: unknown[] = [];
    const onUnhandled = (reason: unknown): void => void unhandled.push(reason);
    process.on("unhandledRejection", onUnhandled);
    const base = inMemory();
    const report = await simulateBadDay({
      start(given) {
        void given.sleep(1e9);
        return base.start(given);
      },
      seed,
      durationMs: 30_000,
      faults: ["crash"],
    });
    await nextTurn();
    process.off("unhandledRejection", onUnhandled);
    assert.equal(report.seed, seed);
    assert.deepEqual(unhandled, []);
  });

  test("says what is wrong with a state that is none, and with options that are", async () => {
    const refused: readonly (readonly [options: unknown, says: RegExp])[] = [
      [undefined, /options/],
      [null, /options/],
      [{}, /start is undefined/],
      [{ start: 5 }, /start is 5/],
      [gives(undefined), /state\(\) gave undefined/],
      [gives({ a: 1 }), /state\(\) gave \{ a: 1 \}/],
      [gives([3]), /state\(\) gave 3 for an entry/],
      [gives([], 7), /expected\(\) gave 7/],
      [gives([], [null]), /expected\(\) gave null for an entry/],
    ];
    for (const [options, says] of refused) {
      await assert.rejects(simulateBadDay(options as BadDayOptions), (error) => {
        assert.ok(isMillpondError(error, "invalid-argument"), String(error));
        assert.match(error.message, says);
        return true;
      });
    }
  });

  test("refuses what is out of bounds", async () => {
    const refused: readonly Partial<BadDayOptions>[] = [
      { seed: 0.5 },
      { durationMs: 999 },
      { keys: 0 },
      { keys: [] },
      { keys: ["not a key"] },
      { updatesPerSecond: 0 },
      { updatesPerSecond: Number.NaN },
      { convergeMs: 0 },
      { maxReruns: -1 },
      { faults: ["flood" as "cut"] },
    ];
    for (const options of refused) {
      await assert.rejects(
        simulateBadDay({ ...inMemory(), ...options }),
        (error) =>
          isMillpondError(error, "invalid-argument") || isMillpondError(error, "invalid-key"),
        JSON.stringify(options),
      );
    }
  });
});
