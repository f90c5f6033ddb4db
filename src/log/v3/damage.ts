import { CorruptedError } from "../../errors/index.js";
import { nextTurn, type FileHandle } from "../../platform/index.js";
import { isZero } from "../zeros.js";
import { HEAD_BYTES, SYNC_0, SYNC_1 } from "./format.js";
import { bodyBytesOf, HeadSeal } from "./head.js";

const CHUNK_BYTES = 256 * 1024;
const SYNC = Buffer.of(SYNC_0, SYNC_1);

/**
 * Tells a torn tail from damage, where no good frame starts at `offset`. Returns where all from there on may be dropped: it is what
 * a crash can leave of the one frame that was being written, and no other frame starts after it. Throws `corrupted` otherwise.
 * FORMAT.md, "The tail", has the rule in words; this is its only implementation.
 */
export async function requireTornTail(
  handle: FileHandle,
  path: string,
  size: number,
  offset: number,
  salt: Uint8Array,
): Promise<void> {
  const end = await endOfTear(handle, size, offset, salt);
  if (end === undefined) throw new CorruptedError(path, offset, "no frame starts there");
  const next = await findHead(handle, offset + 1, size, salt);
  if (next !== undefined) throw new CorruptedError(path, offset, `a good frame starts at ${next}`);
  if (end < size && !(await isZero(handle, end, size))) {
    throw new CorruptedError(path, offset, "more follows than one frame that was cut short");
  }
}

/** Where what a crash can leave of a frame at `offset` ends, zeros after it apart; undefined where it is no such thing. */
async function endOfTear(
  handle: FileHandle,
  size: number,
  offset: number,
  salt: Uint8Array,
): Promise<number | undefined> {
  if (size - offset < HEAD_BYTES) return size;
  const head = Buffer.alloc(HEAD_BYTES);
  await handle.read(head, offset);
  if (new HeadSeal(salt).holds(head, 0, offset)) {
    return Math.min(size, offset + HEAD_BYTES + bodyBytesOf(head, 0));
  }
  return (await isZero(handle, offset + HEAD_BYTES, size)) ? size : undefined;
}

/** The first place from `from` on where a head holds, whatever its body; in bounded time for each byte searched. */
export async function findHead(
  handle: FileHandle,
  from: number,
  size: number,
  salt: Uint8Array,
): Promise<number | undefined> {
  const seal = new HeadSeal(salt);
  const chunk = Buffer.allocUnsafeSlow(Math.max(0, Math.min(CHUNK_BYTES, size - from)));
  for (let start = from; size - start >= HEAD_BYTES; start += chunk.length - HEAD_BYTES + 1) {
    const wanted = Math.min(chunk.length, size - start);
    const filled = await handle.read(chunk.subarray(0, wanted), start);
    const found = headIn(chunk.subarray(0, filled), start, seal);
    if (found !== undefined) return found;
    if (filled < wanted || chunk.length < CHUNK_BYTES) return undefined;
    await nextTurn();
  }
  return undefined;
}

function headIn(bytes: Buffer, start: number, seal: HeadSeal): number | undefined {
  let at = bytes.indexOf(SYNC);
  while (at !== -1 && at + HEAD_BYTES <= bytes.length) {
    if (seal.holds(bytes, at, start + at)) return start + at;
    at = bytes.indexOf(SYNC, at + 1);
  }
  return undefined;
}
