import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { SnapshotWriter } from "../../src/log/index.js";
import { nextTurn } from "../../src/platform/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import {
  BATCHES,
  checkSurvivors,
  nameOf,
  openWriter,
  PATH,
  prepare,
  requireExpected,
  sorted,
  STATES,
  WAYS,
  type Way,
} from "../support/fault-session.js";
import { FaultyFileSystem, type FaultPlan } from "../support/faulty-file-system.js";
import { randomFrom, seedOfRun } from "../support/seed.js";
import { at } from "../support/updates.js";

const TRIES = 3;
const TURNS = 5;

const PLANS: readonly Omit<FaultPlan, "at">[] = [
  { code: "ENOSPC", lasting: false, partial: 0.5 },
  { code: "ENOSPC", lasting: true, partial: 0.3 },
  { code: "EIO", lasting: false, partial: 0 },
  { code: "EIO", lasting: true, partial: 1 },
];

const SUBJECTS: readonly (readonly [string, Session])[] = [
  ...WAYS.map(
    (way) =>
      [
        `the writer (${nameOf(way)})`,
        async (fs) => {
          const prepared = await stubbornly(fs, () => prepare(fs, way));
          return prepared ? await writerSession(fs, way) : 0;
        },
      ] as const satisfies [string, Session],
  ),
  ["the store", storeSession],
];

for (const [subject, session] of SUBJECTS) {
  describe(`${subject}, with a disk that fails at any one operation, loses nothing acknowledged`, () => {
    for (const plan of PLANS) {
      const title = `${plan.code}, ${plan.lasting ? "for good" : "once"}, ${plan.partial} written`;
      test(title, async (context) => {
        const seed = seedOfRun();
        context.diagnostic(`MILLPOND_SEED=${seed}`);
        await sweep(session, plan, seed);
      });
    }
  });
}

/** Runs the session, and returns the cursor that was acknowledged last. */
type Session = (fs: FaultyFileSystem) => Promise<number>;

async function sweep(session: Session, plan: Omit<FaultPlan, "at">, seed: number): Promise<void> {
  const sound = new FaultyFileSystem(undefined, randomFrom(seed));
  assert.equal(await session(sound), BATCHES.length * 3);
  assert.ok(sound.operations > 40, "the session is too short to show anything");
  for (let step = 1; step <= sound.operations; step += 1) {
    const fs = new FaultyFileSystem({ ...plan, at: step }, randomFrom(seed));
    const acknowledged = await session(fs);
    assert.ok(fs.struck, `operation ${step} was never reached`);
    fs.crash();
    await checkSurvivors(fs, acknowledged, `after a fault at operation ${step}`);
  }
}

/** With compactions beside it. */
async function writerSession(fs: FaultyFileSystem, way: Way): Promise<number> {
  let acknowledged = 0;
  let writer: SnapshotWriter | undefined;
  const beside: Promise<void>[] = [];
  for (const [index, batch] of BATCHES.entries()) {
    const done = await stubbornly(fs, async () => {
      writer ??= await openWriter(fs, way);
      try {
        for (const update of batch) writer.writeUpdate(update);
        await writer.checkpoint(at(index * 3 + 3));
      } catch (error) {
        writer = await giveBack(writer, error);
        throw error;
      }
    });
    if (!done) break;
    acknowledged = index * 3 + 3;
    if (writer !== undefined && index % 4 === 1) {
      beside.push(writer.compact().catch(requireExpected));
    }
    await nextTurn();
  }
  await Promise.all(beside);
  await writer?.close().catch(requireExpected);
  return acknowledged;
}

/** Takes the batch back so that it can be given again; a poisoned writer is given up for a new one. */
async function giveBack(
  writer: SnapshotWriter,
  error: unknown,
): Promise<SnapshotWriter | undefined> {
  requireExpected(error);
  try {
    writer.discard();
    return writer;
  } catch {
    await writer.close().catch(requireExpected);
    return undefined;
  }
}

async function storeSession(fs: FaultyFileSystem): Promise<number> {
  let acknowledged = 0;
  let store: AppendLogSnapshot | undefined;
  for (const [index, batch] of BATCHES.entries()) {
    const done = await stubbornly(fs, async () => {
      store ??= await AppendLogSnapshot.open(PATH, { fs, compactThreshold: 100 });
      try {
        await store.apply(batch, at(index * 3 + 3));
      } catch (error) {
        assert.equal(sorted(store.range("")), STATES[acknowledged], "a failed batch shows");
        throw error;
      }
    });
    if (!done) break;
    acknowledged = index * 3 + 3;
    assert.equal(sorted(store?.range("") ?? []), STATES[acknowledged]);
    // Lets the compaction beside go on.
    for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
  }
  await store?.close().catch(requireExpected);
  return acknowledged;
}

/** False where it failed every time. A failure without or before a fault of the disk's is one of ours. */
async function stubbornly(fs: FaultyFileSystem, work: () => Promise<void>): Promise<boolean> {
  for (let attempt = 0; attempt < TRIES; attempt += 1) {
    try {
      await work();
      return true;
    } catch (error) {
      assert.ok(fs.struck, String(error));
      requireExpected(error);
    }
  }
  return false;
}
