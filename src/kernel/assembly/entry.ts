/**
 * A block that holds an entry: the allocator's word, a word that says where the entry stands in the order (a leaf's address,
 * or a waiting slot's address with the lowest bit set, and the next where it is sorted; while a batch is staged or a block is held for a range: the next of
 * its kind), then the record's bytes as the log has them.
 */
import { blockBytes } from "./heap";

/** Where the record begins in its block. */
export const RECORD: u32 = 8;
export const RECORD_HEAD: u32 = 8;
/** Where the key begins in its block. */
export const KEY_AT: u32 = RECORD + RECORD_HEAD;
export const WAITING: u32 = 1;
export const SORTED: u32 = 2;

export function placeOf(block: u32): u32 {
  return load<u32>(block, 4);
}

export function setPlace(block: u32, place: u32): void {
  store<u32>(block, place, 4);
}

export function kindOf(block: u32): u32 {
  return load<u8>(block, RECORD) & 0x0f;
}

export function keyBytesOf(block: u32): u32 {
  return load<u16>(block, RECORD + 2);
}

/** Bytes of the record at `at`, whose head is there. */
export function recordBytesAt(at: u32): u32 {
  const kind = <u32>load<u8>(at);
  const times = ((kind >>> 4) & 1) + ((kind >>> 5) & 1);
  return RECORD_HEAD + load<u8>(at, 1) + load<u16>(at, 2) + load<u32>(at, 4) + (times << 3);
}

export function recordBytesOf(block: u32): u32 {
  return recordBytesAt(block + RECORD);
}

export function blockBytesFor(record: u32): u32 {
  return (record + RECORD + 7) & ~7;
}

/** Below 0, 0 or above 0 as the first key is before, equal to or after the second in the order of their bytes. */
export function compareKeys(a: u32, aBytes: u32, b: u32, bBytes: u32): i32 {
  const shorter = min(aBytes, bBytes);
  let at: u32 = 0;
  for (; at + 8 <= shorter; at += 8) {
    const left = load<u64>(a + at);
    const right = load<u64>(b + at);
    if (left !== right) return bswap(left) < bswap(right) ? -1 : 1;
  }
  for (; at < shorter; at += 1) {
    const difference = <i32>load<u8>(a + at) - <i32>load<u8>(b + at);
    if (difference !== 0) return difference;
  }
  return <i32>aBytes - <i32>bBytes;
}

export function compareEntries(a: u32, b: u32): i32 {
  return compareKeys(a + KEY_AT, keyBytesOf(a), b + KEY_AT, keyBytesOf(b));
}

export function sameBytes(a: u32, b: u32, bytes: u32): bool {
  let at: u32 = 0;
  for (; at + 8 <= bytes; at += 8) if (load<u64>(a + at) !== load<u64>(b + at)) return false;
  if (at === bytes) return true;
  if (bytes >= 8) return load<u64>(a + bytes - 8) === load<u64>(b + bytes - 8);
  for (; at < bytes; at += 1) if (load<u8>(a + at) !== load<u8>(b + at)) return false;
  return true;
}

export function beginsWith(block: u32, prefix: u32, bytes: u32): bool {
  return keyBytesOf(block) >= bytes && sameBytes(block + KEY_AT, prefix, bytes);
}

/** As `memory.copy`, which costs a call into the engine: for a record's few hundred bytes this is quicker. */
export function copyBytes(to: u32, from: u32, bytes: u32): void {
  if (bytes > 1024) {
    memory.copy(to, from, bytes);
    return;
  }
  let at: u32 = 0;
  for (; at + 16 <= bytes; at += 16) v128.store(to + at, v128.load(from + at));
  if (at + 8 <= bytes) {
    store<u64>(to + at, load<u64>(from + at));
    at += 8;
  }
  for (; at < bytes; at += 1) store<u8>(to + at, load<u8>(from + at));
}

/** Whether the block's size is what its record needs: for tests. */
export function isTight(block: u32): bool {
  return blockBytes(block) - blockBytesFor(recordBytesOf(block)) < 16;
}
