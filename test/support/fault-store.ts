import assert from "node:assert/strict";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { nextTurn } from "../../src/platform/index.js";
import { BATCHES, PATH, sorted, STATES, type Way } from "./fault-session.js";
import type { MemoryFileSystem } from "./memory-file-system.js";
import { randomFrom } from "./seed.js";
import { at } from "./updates.js";

/** From this batch on the copy belongs to another making of its bucket. */
const SECOND_FROM = 6;
/** Turns of the event loop between two batches. */
const TURNS = 6;

export async function openStore(fs: MemoryFileSystem, way: Way): Promise<AppendLogSnapshot> {
  return await AppendLogSnapshot.open(PATH, {
    fs,
    format: way.format,
    durability: way.durability,
    // So little that it also compacts when it thinks fit.
    compactThreshold: 400,
    random: randomFrom(1),
    onCorruption: "throw",
  });
}

/** Applies all batches, with compactions beside, until something fails. `acknowledged` is told each cursor. */
export async function applyAll(
  fs: MemoryFileSystem,
  way: Way,
  acknowledged: (cursor: number) => void,
): Promise<void> {
  const store = await openStore(fs, way);
  const beside: Promise<void>[] = [];
  try {
    for (const [index, batch] of BATCHES.entries()) {
      const cursor = index * 3 + 3;
      await store.apply(batch, at(cursor), { origin: originAt(cursor) });
      acknowledged(cursor);
      if (index % 4 === 1) beside.push(store.compact());
      for (const compaction of beside) void compaction.catch(() => undefined);
      // So that a compaction takes a few batches and not all of them.
      for (let turn = 0; turn < TURNS; turn += 1) await nextTurn();
    }
    await Promise.all(beside);
    await store.close();
  } finally {
    await Promise.allSettled(beside);
    // One that the store began by itself is not to go on beside the next process.
    await store.compact().catch(() => undefined);
  }
}

/**
 * What a store finds on the disk is at least what was acknowledged, no cursor is ahead of its data, the origin is the one that
 * the cursor was applied with, and batches are taken.
 */
export async function checkStoreSurvives(
  fs: MemoryFileSystem,
  way: Way,
  least: number,
  when: string,
): Promise<void> {
  const store = await openStore(fs, way);
  const cursor = Number(store.cursor().toU64() ?? 0n);
  assert.ok(cursor >= least, `${when}: cursor ${cursor}, but ${least} was acknowledged`);
  const state = sorted(store.range(""));
  // A batch of format 3 is atomic; of one of format 2 there may be a part, ahead of its cursor.
  const isAtomic = way.format === 3 && way.found === undefined;
  const possible = isAtomic ? [STATES[cursor]] : STATES.slice(cursor, cursor + 4);
  assert.ok(possible.includes(state), `${when}: at cursor ${cursor} the store holds ${state}`);
  const origin = store.origin();
  const told = [originAt(cursor), ...(isAtomic ? [] : [undefined])];
  if (cursor > 0) assert.ok(told.includes(origin), `${when}: ${origin} at cursor ${cursor}`);
  await store.apply([], at(999), { origin: "third" });
  await store.compact();
  // Where the compaction converted the log, this is the first batch that brings the origin.
  await store.apply([], at(1000), { origin: "third" });
  await store.close();
  const again = await openStore(fs, way);
  assert.equal(again.cursor().toU64(), 1000n, `${when}: the store does not take batches`);
  assert.equal(sorted(again.range("")), state, when);
  assert.equal(again.origin(), again.holdsOrigin ? "third" : undefined, when);
  await again.close();
  assert.deepEqual(fs.names, [PATH], `${when}: a temporary file was left behind`);
}

function originAt(cursor: number): string | undefined {
  if (cursor === 0) return undefined;
  return cursor < SECOND_FROM * 3 + 3 ? "first" : "second";
}
