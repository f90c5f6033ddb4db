import assert from "node:assert/strict";
import { isMillpondError, type ErrorCode } from "../../src/errors/index.js";
import { readSnapshot, SnapshotWriter } from "../../src/log/index.js";
import { at, put, told } from "./updates.js";

/** A compaction threshold that is never reached. */
export const HUGE = 1 << 30;
export const HEADER = Buffer.from("PGSS\x02\x00", "latin1");
/** What comes before the salt in a header of format 3. */
export const V3_HEADER_START = Buffer.from("MPND\x03\x00\x18\x00", "latin1");
export const V3_HEADER_BYTES = 24;

/** Whether this is a log of format 3 in which nothing was written. */
export function isEmptyLog(bytes: Uint8Array | undefined): boolean {
  const start = bytes?.subarray(0, V3_HEADER_START.length);
  return bytes?.length === V3_HEADER_BYTES && V3_HEADER_START.equals(start ?? V3_HEADER_START);
}

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
