import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import type { Random } from "../../src/platform/index.js";
import {
  BATCHES,
  checkSurvivors,
  nameOf,
  prepare,
  WAYS,
  writeAll,
  type Way,
} from "../support/fault-session.js";
import { applyAll, checkStoreSurvives } from "../support/fault-store.js";
import { LaggingFileSystem } from "../support/lagging-file-system.js";
import { systemError, type MemoryFileSystem } from "../support/memory-file-system.js";
import { randomFrom, seedOfRun } from "../support/seed.js";

/** Sweeps of each kind: each in another order, and a power loss leaves another part of what was not synced. */
const TIMES = Number(process.env["MILLPOND_SWEEPS"] ?? 1);

/** What writes until it dies, and what is asked of the disk then. */
interface Subject {
  readonly name: string;
  readonly write: (
    fs: MemoryFileSystem,
    way: Way,
    acknowledged: (cursor: number) => void,
  ) => Promise<void>;
  readonly check: (
    fs: MemoryFileSystem,
    way: Way,
    acknowledged: number,
    when: string,
  ) => Promise<void>;
}

const SUBJECTS: readonly Subject[] = [
  {
    name: "writer",
    write: writeAll,
    check: (fs, _, acknowledged, when) => checkSurvivors(fs, acknowledged, when),
  },
  { name: "store", write: applyAll, check: checkStoreSurvives },
];

for (const subject of SUBJECTS) {
  describe(`a ${subject.name} that dies at any one operation, with compactions beside it, loses nothing acknowledged`, () => {
    for (const way of WAYS) {
      test(`killed; ${nameOf(way)}`, async (context) => {
        const random = seeded(context);
        for (const share of [0, 0.5]) await sweep(subject, way, share, random, (fs) => fs.crash());
      });
    }
    for (const way of WAYS.filter(({ durability }) => durability === "power")) {
      test(`with the power gone; ${nameOf(way)}`, async (context) => {
        const random = seeded(context);
        const die = (fs: MemoryFileSystem): void => fs.losePower(random);
        for (const share of [0, 1]) await sweep(subject, way, share, random, die);
      });
    }
  });
}

function seeded(context: TestContext): Random {
  const seed = seedOfRun();
  context.diagnostic(`MILLPOND_SEED=${seed}`);
  return randomFrom(seed);
}

/** Dies at each operation in turn, of which this share gets through where it is a write. */
async function sweep(
  subject: Subject,
  way: Way,
  share: number,
  random: Random,
  die: (fs: MemoryFileSystem) => void,
): Promise<void> {
  for (let time = 0; time < TIMES; time += 1) {
    const seed = Math.floor(random() * 2 ** 31);
    const { operations } = await runUntil(subject, way, Infinity, 0, randomFrom(seed));
    assert.ok(
      operations > 60,
      `the session is too short to show anything: ${operations} operations`,
    );
    for (let at = 1; at <= operations; at += 1) {
      const { fs, acknowledged } = await runUntil(subject, way, at, share, randomFrom(seed));
      die(fs);
      await subject.check(fs, way, acknowledged, `dead at operation ${at}, ${share} of it written`);
    }
  }
}

interface Run {
  readonly fs: MemoryFileSystem;
  readonly operations: number;
  readonly acknowledged: number;
}

/** From the operation `last` on nothing reaches the disk any more. */
async function runUntil(
  subject: Subject,
  way: Way,
  last: number,
  share: number,
  lag: Random,
): Promise<Run> {
  const fs = new LaggingFileSystem(lag);
  await prepare(fs, way);
  let operations = 0;
  let acknowledged = 0;
  fs.setHook(({ bytes = 0 }) => {
    operations += 1;
    if (operations < last) return undefined;
    return {
      error: systemError("EIO"),
      partialBytes: operations === last ? Math.floor(bytes * share) : 0,
    };
  });
  const writing = subject.write(fs, way, (cursor) => {
    // What a dead process learns nobody hears of.
    if (operations < last) acknowledged = cursor;
  });
  if (last === Infinity) {
    await writing;
    assert.equal(acknowledged, BATCHES.length * 3);
  } else {
    await writing.catch(() => undefined);
  }
  return { fs, operations, acknowledged };
}
