/** Sorts a chunk of waiting entries by their keys. */
import { CHUNK_SLOTS, slotOf, usedOf } from "./chunk";
import { compareEntries, KEY_AT, keyBytesOf, setPlace, SORTED, WAITING } from "./entry";
import { STAGING } from "./layout";

/** Pairs of the eight bytes behind what all keys begin with, as a number, and an entry. Staging is free meanwhile. */
const PAIRS: u32 = STAGING;
const SPARE: u32 = PAIRS + CHUNK_SLOTS * 16;

/** How many bytes the keys begin with alike, `most` at most. */
export function sharedBytes(a: u32, b: u32, most: u32): u32 {
  let at: u32 = 0;
  for (; at + 8 <= most; at += 8) {
    const difference = load<u64>(a + at) ^ load<u64>(b + at);
    if (difference !== 0) return at + <u32>(ctz(difference) >>> 3);
  }
  while (at < most && load<u8>(a + at) === load<u8>(b + at)) at += 1;
  return at;
}

/** Eight bytes of the entry's key from there on, in the order of bytes; behind its end: zeros. */
export function digestOf(block: u32, from: u32): u64 {
  const left = keyBytesOf(block) - from;
  if (left === 0) return 0;
  const digest = bswap(load<u64>(block + KEY_AT + from));
  return left >= 8 ? digest : (digest >> u64((8 - left) << 3)) << u64((8 - left) << 3);
}

export function sortChunk(chunk: u32): void {
  const count = usedOf(chunk);
  const first = load<u32>(slotOf(chunk, 0));
  let shared = keyBytesOf(first);
  for (let index: u32 = 1; index < count; index += 1) {
    const block = load<u32>(slotOf(chunk, index));
    shared = sharedBytes(first + KEY_AT, block + KEY_AT, min(shared, keyBytesOf(block)));
  }
  for (let index: u32 = 0; index < count; index += 1) {
    const block = load<u32>(slotOf(chunk, index));
    store<u64>(PAIRS + (index << 4), digestOf(block, shared));
    store<u32>(PAIRS + (index << 4), block, 8);
  }
  const sorted = sortPairs(count);
  for (let index: u32 = 0; index < count; index += 1) {
    const block = load<u32>(sorted + (index << 4), 8);
    const slot = slotOf(chunk, index);
    store<u32>(slot, block);
    setPlace(block, slot | WAITING | SORTED);
  }
}

function comesBefore(a: u32, b: u32): bool {
  const left = load<u64>(a);
  const right = load<u64>(b);
  return left !== right ? left < right : compareEntries(load<u32>(a, 8), load<u32>(b, 8)) < 0;
}

/** Merges neighbours, then neighbours of those; gives where the sorted pairs are. */
function sortPairs(count: u32): u32 {
  let from = PAIRS;
  let to = SPARE;
  const bytes = count << 4;
  for (let width: u32 = 16; width < bytes; width <<= 1) {
    for (let start: u32 = 0; start < bytes; start += width << 1) {
      const middle = from + min(start + width, bytes);
      merge(from + start, middle, from + min(start + (width << 1), bytes), to + start);
    }
    const swapped = from;
    from = to;
    to = swapped;
  }
  return from;
}

function merge(left: u32, middle: u32, stop: u32, to: u32): void {
  let right = middle;
  while (left < middle && right < stop) {
    if (comesBefore(right, left)) {
      v128.store(to, v128.load(right));
      right += 16;
    } else {
      v128.store(to, v128.load(left));
      left += 16;
    }
    to += 16;
  }
  memory.copy(to, left, middle - left);
  memory.copy(to + (middle - left), right, stop - right);
}
