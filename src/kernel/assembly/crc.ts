/**
 * CRC-32 (IEEE, as zlib's). WASM has no carry-less multiplication, so long runs are folded by shifts of whole blocks alone:
 * with y = x^128, squaring gives P(y) = P(x)^128, a multiple of the checksum's polynomial P. So a block of 16 bytes may be
 * replaced by the same block added (xor) at each of the 14 distances that P's terms name, 6 to 32 blocks further on, and what
 * is left of any length is a message of 512 bytes with the same remainder. That rest, and short runs, go by sixteen tables.
 */
import { CRC_RING, CRC_TABLES } from "./layout";

const POLYNOMIAL: u32 = 0xedb88320;
const TABLE_BYTES: u32 = 1024;
const BLOCK: u32 = 16;
const WINDOW: u32 = 32 * BLOCK;
/** Bytes folded before the window is moved back to the start of its place. */
const STRETCH: u32 = 6144;
const FOLD_FROM: u32 = 1024;

export function openCrc(): void {
  for (let value: u32 = 0; value < 256; value += 1) {
    let crc = value;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    store<u32>(CRC_TABLES + value * 4, crc);
  }
  for (let at: u32 = 256; at < 16 * 256; at += 1) {
    const before = load<u32>(CRC_TABLES + (at - 256) * 4);
    store<u32>(CRC_TABLES + at * 4, (before >>> 8) ^ load<u32>(CRC_TABLES + (before & 0xff) * 4));
  }
}

function entry(table: u32, value: u32): u32 {
  return load<u32>(CRC_TABLES + table * TABLE_BYTES + ((value & 0xff) << 2));
}

function word(first: u32, value: u32): u32 {
  return (
    entry(first, value) ^
    entry(first - 1, value >>> 8) ^
    entry(first - 2, value >>> 16) ^
    entry(first - 3, value >>> 24)
  );
}

/** Goes on from `crc` (at the start: all ones) over `bytes` bytes at `from`; the caller inverts the last. */
export function crcByTables(crc: u32, from: u32, bytes: u32): u32 {
  let at = from;
  const stop = from + bytes;
  while (stop - at >= 16) {
    crc =
      word(15, load<u32>(at) ^ crc) ^
      word(11, load<u32>(at, 4)) ^
      word(7, load<u32>(at, 8)) ^
      word(3, load<u32>(at, 12));
    at += 16;
  }
  for (; at < stop; at += 1) crc = (crc >>> 8) ^ entry(0, crc ^ load<u8>(at));
  return crc;
}

function fold(at: u32, block: v128): v128 {
  let sum = v128.xor(block, v128.load(at - 6 * BLOCK));
  sum = v128.xor(sum, v128.load(at - 9 * BLOCK));
  sum = v128.xor(sum, v128.load(at - 10 * BLOCK));
  sum = v128.xor(sum, v128.load(at - 16 * BLOCK));
  sum = v128.xor(sum, v128.load(at - 20 * BLOCK));
  sum = v128.xor(sum, v128.load(at - 21 * BLOCK));
  sum = v128.xor(sum, v128.load(at - 22 * BLOCK));
  sum = v128.xor(sum, v128.load(at - 24 * BLOCK));
  sum = v128.xor(sum, v128.load(at - 25 * BLOCK));
  sum = v128.xor(sum, v128.load(at - 27 * BLOCK));
  sum = v128.xor(sum, v128.load(at - 28 * BLOCK));
  sum = v128.xor(sum, v128.load(at - 30 * BLOCK));
  sum = v128.xor(sum, v128.load(at - 31 * BLOCK));
  return v128.xor(sum, v128.load(at - 32 * BLOCK));
}

/** The checksum of `bytes` bytes at `from`. */
export function crc32(from: u32, bytes: u32): u32 {
  if (bytes < FOLD_FROM) return ~crcByTables(~0, from, bytes);
  memory.fill(CRC_RING, 0, WINDOW);
  let at = from;
  // All but the last 32 blocks are folded into those behind them.
  let left = (bytes & ~(BLOCK - 1)) - WINDOW;
  // Starting with all ones is the same as inverting the first four bytes.
  let first = i32x4(-1, 0, 0, 0);
  while (left > 0) {
    const stretch = min(left, STRETCH);
    const stop = CRC_RING + WINDOW + stretch;
    for (let to = CRC_RING + WINDOW; to < stop; to += BLOCK) {
      v128.store(to, fold(to, v128.xor(v128.load(at), first)));
      first = i32x4.splat(0);
      at += BLOCK;
    }
    memory.copy(CRC_RING, stop - WINDOW, WINDOW);
    left -= stretch;
  }
  // The last 32 take in what was folded, but not each other.
  memory.fill(CRC_RING + WINDOW, 0, WINDOW);
  for (let to = CRC_RING + WINDOW; to < CRC_RING + 2 * WINDOW; to += BLOCK) {
    v128.store(to + STRETCH, fold(to, v128.load(at)));
    at += BLOCK;
  }
  const crc = crcByTables(0, CRC_RING + WINDOW + STRETCH, WINDOW);
  return ~crcByTables(crc, at, bytes & (BLOCK - 1));
}
