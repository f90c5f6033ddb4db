import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { load, readSnapshot, SnapshotWriter } from "../../src/log/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import type { KvEntry, KvUpdate } from "../../src/values/index.js";
import { FaultyFileSystem, type FaultPlan } from "../support/faulty-file-system.js";
import { at, del, put, told } from "../support/updates.js";

const PATH = "/disk/log.snap";
const TRIES = 3;

/** Twelve batches of three updates; the cursor after batch n is 3n. */
const BATCHES: readonly (readonly KvUpdate[])[] = Array.from({ length: 12 }, (_, batch) => {
  const first = batch * 3 + 1;
  return [
    put(`key-${batch % 2}`, `value ${first} ${"x".repeat(60)}`, first),
    put(`own-${batch}`, `${first + 1}`, first + 1),
    batch % 2 === 0 ? put("same", `${batch}`, first + 2) : del(`own-${batch - 1}`, first + 2),
  ];
});

/** The state after the first n updates, for each n. */
const STATES = statesOf(BATCHES.flat());

const PLANS: readonly Omit<FaultPlan, "at">[] = [
  { code: "ENOSPC", lasting: false, partial: 0.5 },
  { code: "ENOSPC", lasting: true, partial: 0.3 },
  { code: "EIO", lasting: false, partial: 0 },
  { code: "EIO", lasting: true, partial: 1 },
];

for (const [subject, session] of [
  ["the writer", writerSession],
  ["the store", storeSession],
] as const) {
  describe(`${subject}, with a disk that fails at any one operation, loses nothing acknowledged`, () => {
    for (const plan of PLANS) {
      const title = `${plan.code}, ${plan.lasting ? "for good" : "once"}, ${plan.partial} written`;
      test(title, () => sweep(session, plan));
    }
  });
}

/** Runs the session, and returns the cursor that was acknowledged last. */
type Session = (fs: FaultyFileSystem) => Promise<number>;

async function sweep(session: Session, plan: Omit<FaultPlan, "at">): Promise<void> {
  const sound = new FaultyFileSystem();
  assert.equal(await session(sound), BATCHES.length * 3);
  assert.ok(sound.operations > 40, "the session is too short to show anything");
  for (let step = 1; step <= sound.operations; step += 1) {
    const fs = new FaultyFileSystem({ ...plan, at: step });
    const acknowledged = await session(fs);
    assert.ok(fs.struck, `operation ${step} was never reached`);
    fs.crash();
    await checkSurvivors(fs, acknowledged, `after a fault at operation ${step}`);
  }
}

async function checkSurvivors(fs: FaultyFileSystem, least: number, when: string): Promise<void> {
  if (least === 0 && (fs.content(PATH)?.length ?? 0) < 24) return;
  const read = await readSnapshot(PATH, { fs });
  const cursor = Number(read?.cursor.toU64() ?? 0n);
  assert.ok(cursor >= least, `${when}: cursor ${cursor}, but ${least} was acknowledged`);
  const state = sorted(read?.entries.values() ?? []);
  assert.ok(
    STATES.slice(cursor).some((known) => known === state),
    `${when}: at cursor ${cursor} the log holds ${state}`,
  );
  const loaded = await load(PATH, { fs });
  assert.equal(sorted(loaded?.entries.values() ?? []), state, when);
  const writer = await SnapshotWriter.open(PATH, 1 << 20, { fs });
  await writer.checkpoint(at(1000));
  await writer.close();
  const again = await load(PATH, { fs });
  assert.equal(again?.cursor.toU64(), 1000n, `${when}: the log does not take appends`);
  assert.equal(sorted(again?.entries.values() ?? []), state, when);
  assert.deepEqual(fs.names, [PATH], `${when}: a temporary file was left behind`);
}

/** Small buffer: updates also reach the disk between checkpoints. */
async function writerSession(fs: FaultyFileSystem): Promise<number> {
  let acknowledged = 0;
  let writer: SnapshotWriter | undefined;
  for (const [index, batch] of BATCHES.entries()) {
    const done = await stubbornly(fs, async () => {
      writer ??= await SnapshotWriter.open(PATH, 400, { fs, bufferBytes: 100 });
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
    if (index % 4 === 3) await writer?.compact().catch(requireExpected);
  }
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

function requireExpected(error: unknown): undefined {
  assert.ok(isMillpondError(error), String(error));
  assert.match(error.code, /^(?:io|poisoned)$/, error.message);
}

function statesOf(updates: readonly KvUpdate[]): string[] {
  const entries = new Map<string, KvEntry>();
  const states = [sorted([])];
  for (const update of updates) {
    if (update.kind === "put") entries.set(update.key, update);
    else entries.delete(update.key);
    states.push(sorted(entries.values()));
  }
  return states;
}

function sorted(entries: Iterable<KvEntry>): string {
  return told(entries).toSorted().join(" ");
}
