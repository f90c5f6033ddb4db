import { CorruptedError, InvalidFormatError, type MillpondError } from "../../errors/index.js";
import { nextTurn, type FileHandle } from "../../platform/index.js";
import { isZero, isZeroFrom } from "../zeros.js";
import { RECORD_BYTES_MAX, RECORD_BYTES_MIN } from "./format.js";
import { checksumHolds, frameRecord, RecordFrame } from "./record-frame.js";

/** What was wrong with the record at `offset`; all offsets count from the start of the file. */
export interface Damage {
  readonly offset: number;
  readonly kind: "runs-past-end" | "unknown-type" | "value-too-long" | "checksum";
  /** `checksum` only: where the record ends if its lengths are right. */
  readonly claimedEnd?: number;
}

/** Bytes checksummed in the search for good records before it gives up and calls the file damaged. */
const SEARCH_BUDGET_BYTES = 2 * 1024 ** 3;
/** Work between two turns of the event loop, in bytes checksummed: some ten milliseconds. */
const SEARCH_SLICE_BYTES = 8 * 1024 ** 2;
/** What it costs to look at one offset, and to begin a checksum, in bytes checksummed (measured on Node 20). */
const OFFSET_COST_BYTES = 16;
const CHECKSUM_COST_BYTES = 256;

/**
 * Tells a torn tail from damage. Returns where the record at `damage.offset` and all that follows may be dropped: nothing
 * after it can be shown to be good. Throws `corrupted` or `invalid-format`, with the offset, otherwise. FORMAT.md,
 * "The tail", has the rule in words; this is its only implementation.
 */
export async function requireTornTail(
  handle: FileHandle,
  path: string,
  size: number,
  damage: Damage,
): Promise<void> {
  const { offset, kind, claimedEnd = size } = damage;
  // Wide enough for a record that starts within the first half: that is where one can follow a torn one.
  const window = await readWindow(handle, offset, Math.min(size, offset + 2 * RECORD_BYTES_MAX));
  const restIsZero = await isZero(handle, Math.min(size, offset + RECORD_BYTES_MAX), size);
  if (restIsZero && isZeroFrom(window, 0)) return;

  if (isZeroHole(window)) throw damaged(path, damage, "a hole of zeros before other bytes");
  if (!restIsZero) throw damaged(path, damage, "more follows than one torn record can leave");
  if (
    kind === "checksum" &&
    size - claimedEnd >= RECORD_BYTES_MIN &&
    !isZeroFrom(window, claimedEnd - offset)
  ) {
    throw damaged(path, damage, "its checksum does not match, and more follows");
  }
  const good = await findRecord(window);
  if (good === "gave up") throw damaged(path, damage, "what follows takes too long to search");
  if (good !== undefined) throw damaged(path, damage, `a good record follows at ${offset + good}`);
}

function damaged(path: string, damage: Damage, evidence: string): MillpondError {
  const { offset, kind } = damage;
  if (kind === "unknown-type") {
    return new InvalidFormatError(
      `${path}: no known record type at byte ${offset}, and it is not a torn tail: ${evidence}`,
      { path, offset },
      { hint: "Another program wrote this, or the file is damaged: restore it or remove it." },
    );
  }
  return new CorruptedError(path, offset, evidence);
}

async function readWindow(handle: FileHandle, from: number, to: number): Promise<Buffer> {
  const window = Buffer.allocUnsafeSlow(to - from);
  const filled = await handle.read(window, from);
  return window.subarray(0, filled);
}

/** Where the search found a good record, in bytes from the window's start. Never at the start itself. */
async function findRecord(window: Buffer): Promise<number | "gave up" | undefined> {
  const frame = new RecordFrame();
  let checksummed = 0;
  let sliceLeft = SEARCH_SLICE_BYTES;
  const end = Math.min(RECORD_BYTES_MAX, window.length - RECORD_BYTES_MIN + 1);
  for (let at = 1; at < end; at += 1) {
    sliceLeft -= OFFSET_COST_BYTES;
    if (frameRecord(window, at, window.length, frame) === "whole") {
      if (checksumHolds(window, frame)) return at;
      const bytes = frame.end - frame.start;
      checksummed += bytes;
      if (checksummed > SEARCH_BUDGET_BYTES) return "gave up";
      sliceLeft -= CHECKSUM_COST_BYTES + bytes;
    }
    if (sliceLeft > 0) continue;
    sliceLeft = SEARCH_SLICE_BYTES;
    await nextTurn();
  }
  return undefined;
}

/** Zeros where a record should be, with something after them: no write that was cut short leaves that. */
function isZeroHole(window: Buffer): boolean {
  return window.length >= RECORD_BYTES_MIN && isZeroFrom(window.subarray(0, RECORD_BYTES_MIN), 0);
}
