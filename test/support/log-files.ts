import assert from "node:assert/strict";
import { isMillpondError, type ErrorCode } from "../../src/errors/index.js";
import { readSnapshot, SnapshotWriter } from "../../src/log/index.js";
import { at, put, told } from "./updates.js";

/** A compaction threshold that is never reached. */
export const HUGE = 1 << 30;
export const HEADER = Buffer.from("PGSS\x02\x00", "latin1");

/** For `assert.throws` and `assert.rejects`: an error of ours with this code, and a hint where a person can do something. */
export function withCode(wanted: ErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isMillpondError(error), String(error));
    assert.equal(error.code, wanted, error.message);
    assert.ok(error.hint !== undefined || wanted === "invalid-format" || wanted === "closed");
    return true;
  };
}

/** Appends puts and a checkpoint at the last one's revision. */
export async function appendTo(path: string, ...updates: Parameters<typeof put>[]): Promise<void> {
  await using writer = await SnapshotWriter.open(path, HUGE);
  for (const update of updates) writer.writeUpdate(put(...update));
  await writer.checkpoint(at(updates.at(-1)?.[2] ?? 0));
}

/** The log's entries, in the order of its records. */
export async function contentsOf(path: string): Promise<string[]> {
  return told((await readSnapshot(path))?.entries.values() ?? []);
}
