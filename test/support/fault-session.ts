import assert from "node:assert/strict";
import { isMillpondError } from "../../src/errors/index.js";
import {
  readSnapshot,
  SnapshotWriter,
  verify,
  type Durability,
  type LogFormat,
} from "../../src/log/index.js";
import { nextTurn } from "../../src/platform/index.js";
import { compareKeys } from "../../src/rules/index.js";
import type { KvEntry, KvUpdate } from "../../src/values/index.js";
import type { MemoryFileSystem } from "./memory-file-system.js";
import { randomFrom } from "./seed.js";
import { at, del, put, told } from "./updates.js";

export const PATH = "/disk/log.snap";

/** Twelve batches of three updates; the cursor after batch n is 3n. */
export const BATCHES: readonly (readonly KvUpdate[])[] = Array.from({ length: 12 }, (_, batch) => {
  const first = batch * 3 + 1;
  return [
    put(`key-${batch % 2}`, `value ${first} ${"x".repeat(60)}`, first),
    put(`own-${batch}`, `${first + 1}`, first + 1),
    batch % 2 === 0 ? put("same", `${batch}`, first + 2) : del(`own-${batch - 1}`, first + 2),
  ];
});

/** The state after the first n updates, for each n. */
export const STATES = statesOf(BATCHES.flat());

export interface Way {
  readonly format: LogFormat;
  readonly durability: Durability;
  /** The format of the file that is there already, whose first compaction converts it; none: there is no file. */
  readonly found?: LogFormat;
}

export const WAYS: readonly Way[] = [
  { format: 3, durability: "process" },
  { format: 3, durability: "power" },
  { format: 2, durability: "process" },
  { format: 2, durability: "power" },
  { format: 3, durability: "power", found: 2 },
  { format: 2, durability: "process", found: 3 },
];

export function nameOf({ format, durability, found }: Way): string {
  const made = found === undefined ? `format ${format}` : `format ${found} made ${format}`;
  return `${made}, durability ${durability}`;
}

/** Makes the file that is found. */
export async function prepare(fs: MemoryFileSystem, { found }: Way): Promise<void> {
  if (found === undefined) return;
  await using writer = await SnapshotWriter.open(PATH, 1, {
    fs,
    format: found,
    durability: "power",
  });
  await writer.checkpoint(at(0));
}

export async function openWriter(fs: MemoryFileSystem, way: Way): Promise<SnapshotWriter> {
  return await SnapshotWriter.open(PATH, 400, {
    fs,
    format: way.format,
    durability: way.durability,
    bufferBytes: 100,
    random: randomFrom(1),
    onCorruption: "throw",
  });
}

/**
 * Writes all batches, with compactions and a rewrite beside, until something fails. Small buffer: updates also reach the disk
 * between checkpoints. `acknowledged` is told each cursor.
 */
export async function writeAll(
  fs: MemoryFileSystem,
  way: Way,
  acknowledged: (cursor: number) => void,
): Promise<void> {
  const writer = await openWriter(fs, way);
  const beside: Promise<void>[] = [];
  const state = new Map<string, KvEntry>();
  try {
    for (const [index, batch] of BATCHES.entries()) {
      for (const update of batch) {
        writer.writeUpdate(update);
        applyTo(state, update);
      }
      const cursor = index * 3 + 3;
      await writer.checkpoint(at(cursor));
      acknowledged(cursor);
      if (index % 4 === 1) beside.push(writer.compact());
      if (index === 7) beside.push(writer.rewrite(inOrder(state), at(cursor)));
      for (const compaction of beside) void compaction.catch(() => undefined);
      await nextTurn();
    }
    await Promise.all(beside);
    await writer.close();
  } finally {
    await Promise.allSettled(beside);
  }
}

/** As the state is when it is walked. */
function* inOrder(state: Map<string, KvEntry>): Generator<KvEntry> {
  for (const key of [...state.keys()].toSorted(compareKeys)) {
    const entry = state.get(key);
    if (entry !== undefined) yield entry;
  }
}

/** What is on the disk is at least what was acknowledged, is no cursor ahead of its data, and takes appends. */
export async function checkSurvivors(
  fs: MemoryFileSystem,
  least: number,
  when: string,
): Promise<void> {
  // Neither header is whole.
  if (least === 0 && (fs.content(PATH)?.length ?? 0) < 24) return;
  const read = await readSnapshot(PATH, { fs });
  const cursor = Number(read?.cursor.toU64() ?? 0n);
  assert.ok(cursor >= least, `${when}: cursor ${cursor}, but ${least} was acknowledged`);
  const state = sorted(read?.entries.values() ?? []);
  assert.ok(
    STATES.slice(cursor).some((known) => known === state),
    `${when}: at cursor ${cursor} the log holds ${state}`,
  );
  const writer = await SnapshotWriter.open(PATH, 1 << 20, { fs, onCorruption: "throw" });
  await writer.checkpoint(at(1000));
  await writer.compact();
  await writer.close();
  const again = await readSnapshot(PATH, { fs });
  assert.equal(again?.cursor.toU64(), 1000n, `${when}: the log does not take appends`);
  assert.equal(sorted(again?.entries.values() ?? []), state, when);
  assert.equal((await verify(PATH, { fs })).tornBytes, 0);
  assert.deepEqual(fs.names, [PATH], `${when}: a temporary file was left behind`);
}

export function requireExpected(error: unknown): undefined {
  assert.ok(isMillpondError(error), String(error));
  assert.match(error.code, /^(?:io|poisoned|closed)$/, error.message);
}

function statesOf(updates: readonly KvUpdate[]): string[] {
  const entries = new Map<string, KvEntry>();
  const states = [sorted([])];
  for (const update of updates) {
    applyTo(entries, update);
    states.push(sorted(entries.values()));
  }
  return states;
}

function applyTo(entries: Map<string, KvEntry>, update: KvUpdate): void {
  if (update.kind === "put") entries.set(update.key, update);
  else entries.delete(update.key);
}

export function sorted(entries: Iterable<KvEntry>): string {
  return told(entries).toSorted().join(" ");
}
