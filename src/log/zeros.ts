import { nextTurn, type FileHandle } from "../platform/index.js";

const CHUNK_BYTES = 256 * 1024;
/** Between two turns of the event loop: some milliseconds. */
const CHUNKS_A_TURN = 16;
/** To compare with: many times as fast as a look at each byte. */
const ZEROS = Buffer.alloc(4096);

export function isZeroFrom(bytes: Buffer, from: number): boolean {
  for (let at = from; at < bytes.length; at += ZEROS.length) {
    const part = bytes.subarray(at, at + ZEROS.length);
    if (!part.equals(ZEROS.subarray(0, part.length))) return false;
  }
  return true;
}

/** Whether the file is zero from here to there, as far as it reaches. */
export async function isZero(handle: FileHandle, from: number, to: number): Promise<boolean> {
  const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, to - from));
  let untilTurn = CHUNKS_A_TURN;
  for (let at = from; at < to; at += chunk.length) {
    const filled = await handle.read(chunk.subarray(0, Math.min(chunk.length, to - at)), at);
    if (!isZeroFrom(chunk.subarray(0, filled), 0)) return false;
    if (filled === 0) break;
    untilTurn -= 1;
    if (untilTurn > 0) continue;
    untilTurn = CHUNKS_A_TURN;
    await nextTurn();
  }
  return true;
}
