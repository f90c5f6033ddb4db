import { CorruptedError } from "../../errors/index.js";
import { nextTurn, type FileHandle } from "../../platform/index.js";
import { HEAD_BYTES, SYNC_0, SYNC_1 } from "./format.js";
import { HeadSeal } from "./head.js";

const CHUNK_BYTES = 256 * 1024;
const SYNC = Buffer.of(SYNC_0, SYNC_1);

/**
 * Tells a torn tail from damage, where no good frame starts at `offset`. Returns where all from there on may be dropped: no
 * frame can be shown to start after it. Throws `corrupted` otherwise. FORMAT.md, "The tail", has the rule in words; this is
 * its only implementation.
 */
export async function requireTornTail(
  handle: FileHandle,
  path: string,
  size: number,
  offset: number,
  salt: Uint8Array,
): Promise<void> {
  const next = await findHead(handle, offset + 1, size, salt);
  if (next !== undefined) throw new CorruptedError(path, offset, `a good frame starts at ${next}`);
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
