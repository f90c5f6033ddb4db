/**
 * From a key to its entry: extendible hashing. The upper bits of a key's hash choose a segment, in which it is looked for slot
 * by slot from where the other bits point. A full segment of 512 slots is made one of 768, a full one of those is split into
 * two of 512: no step touches more than one segment, but for the directory, four bytes for each segment, which doubles.
 * Growing by halves keeps segments at least 58% full, where doubling alone would let all of them be 44% full at once.
 *
 * A segment: allocator's word, depth, slots, keys; then the slots, each the hash and the entry's address (0: free).
 */
import { KEY_AT, keyBytesOf, sameBytes } from "./entry";
import { blockBytes, release, take } from "./heap";
import { hashKey } from "./sip";

const SLOTS_AT: u32 = 16;
/** Behind a list of 16: room for two addresses each. */
const WARM_AT: u32 = 16 * 8;
const SMALL: u32 = 512;
const LARGE: u32 = 768;
let directory: u32 = 0;
let depth: u32 = 0;
let segments: u32 = 0;
/** A split further down would make too long a directory: then a segment grows instead. 22: no more than 16 MiB. */
let depthMax: u32 = 22;
const CACHE_LINE: u32 = 64;
/** Of longer entries the processor fetches the rest by itself. */
const WARM_BYTES_MAX: u32 = 512;
/** Nothing but the reason to read: what is read for nothing would be left out. */
let warmed: u32 = 0;
/** The segment of the key looked for last. */
let segment: u32 = 0;

function fullAt(slots: u32): u32 {
  return slots - (slots >>> 3);
}

function chosen(hash: u32): u32 {
  return depth === 0 ? 0 : hash >>> (32 - depth);
}

function homeOf(hash: u32, segmentDepth: u32, slots: u32): u32 {
  return <u32>((<u64>(hash << segmentDepth) * slots) >>> 32);
}

function newSegment(segmentDepth: u32, slots: u32): u32 {
  const made = take(SLOTS_AT + slots * 8);
  if (made === 0) unreachable();
  store<u32>(made, segmentDepth, 4);
  store<u32>(made, slots, 8);
  store<u32>(made, 0, 12);
  memory.fill(made + SLOTS_AT, 0, slots * 8);
  segments += 1;
  return made;
}

function dropSegment(old: u32): void {
  release(old);
  segments -= 1;
}

export function openIndex(maxDepth: u32): void {
  depthMax = maxDepth;
  depth = 0;
  segments = 0;
  directory = take(16);
  store<u32>(directory, newSegment(0, SMALL), 4);
}

/** The most bytes that `keys` new keys may take. */
export function indexGrowth(keys: u32): u32 {
  const steps = min(keys, segments + keys / 128);
  return steps * (2 * (SLOTS_AT + LARGE * 8)) + (keys === 0 ? 0 : blockBytes(directory) * 2);
}

/** The slot of the key at `from`, of this hash; 0 where it is not there. */
export function findSlot(hash: u32, from: u32, bytes: u32): u32 {
  segment = load<u32>(directory + 4 + (chosen(hash) << 2));
  const slots = load<u32>(segment, 8);
  const first = segment + SLOTS_AT;
  let at = homeOf(hash, load<u32>(segment, 4), slots);
  let slot = first + (at << 3);
  let block = load<u32>(slot, 4);
  while (block !== 0) {
    if (
      load<u32>(slot) === hash &&
      keyBytesOf(block) === bytes &&
      sameBytes(block + KEY_AT, from, bytes)
    ) {
      return slot;
    }
    at += 1;
    if (at === slots) at = 0;
    slot = first + (at << 3);
    block = load<u32>(slot, 4);
  }
  return 0;
}

/**
 * Reads where `findSlot` will look for the hashes listed at `list`, each behind an address, so that the processor fetches all
 * of it at once: there is no instruction for that, and one search after the other would wait for memory twice each.
 */
export function warm(list: u32, count: u32): void {
  const stop = list + (count << 3);
  for (let at = list; at < stop; at += 8) {
    const hash = load<u32>(at, 4);
    const each = load<u32>(directory + 4 + (chosen(hash) << 2));
    const slots = load<u32>(each, 8);
    const slot = each + SLOTS_AT + (homeOf(hash, load<u32>(each, 4), slots) << 3);
    store<u32>(at + WARM_AT, slot);
    store<u32>(at + WARM_AT, each + SLOTS_AT + (slots << 3), 4);
    warmed ^= load<u32>(slot);
  }
  for (let at = list; at < stop; at += 8) {
    const hash = load<u32>(at, 4);
    const end = load<u32>(at + WARM_AT, 4);
    let slot = load<u32>(at + WARM_AT);
    while (slot < end && load<u32>(slot) !== hash && load<u32>(slot, 4) !== 0) slot += 8;
    // What is looked for may also be past the end, at the start: then it is fetched when it is needed.
    if (slot < end) warmEntry(load<u32>(slot, 4));
  }
}

/** All of what a record of the same length will be copied over, its key among it; nothing behind it, where memory may end. */
function warmEntry(old: u32): void {
  if (old === 0) return;
  const bytes = min(blockBytes(old), WARM_BYTES_MAX);
  for (let at: u32 = 0; at < bytes; at += CACHE_LINE) warmed ^= load<u32>(old + at);
}

/** Adds an entry whose key is not there: right after `findSlot` for it. */
export function addToIndex(hash: u32, block: u32): void {
  while (load<u32>(segment, 12) >= fullAt(load<u32>(segment, 8))) {
    growSegment();
    segment = load<u32>(directory + 4 + (chosen(hash) << 2));
  }
  place(segment, hash, block);
}

function place(into: u32, hash: u32, block: u32): void {
  const slots = load<u32>(into, 8);
  const first = into + SLOTS_AT;
  let at = homeOf(hash, load<u32>(into, 4), slots);
  while (load<u32>(first + (at << 3), 4) !== 0) {
    at += 1;
    if (at === slots) at = 0;
  }
  store<u32>(first + (at << 3), hash);
  store<u32>(first + (at << 3), block, 4);
  store<u32>(into, load<u32>(into, 12) + 1, 12);
}

/** Empties a slot of the segment used last and closes the gap, so that no search ends too soon. */
export function removeFromIndex(slot: u32): void {
  const slots = load<u32>(segment, 8);
  const segmentDepth = load<u32>(segment, 4);
  const first = segment + SLOTS_AT;
  let gap = (slot - first) >>> 3;
  let at = gap;
  for (;;) {
    at += 1;
    if (at === slots) at = 0;
    const from = first + (at << 3);
    if (load<u32>(from, 4) === 0) break;
    const home = homeOf(load<u32>(from), segmentDepth, slots);
    const mayMove = gap <= at ? home <= gap || home > at : home <= gap && home > at;
    if (!mayMove) continue;
    store<u64>(first + (gap << 3), load<u64>(from));
    gap = at;
  }
  store<u64>(first + (gap << 3), 0);
  store<u32>(segment, load<u32>(segment, 12) - 1, 12);
}

function growSegment(): void {
  const slots = load<u32>(segment, 8);
  const segmentDepth = load<u32>(segment, 4);
  if (slots < LARGE || segmentDepth >= depthMax) {
    const larger = newSegment(segmentDepth, slots < LARGE ? LARGE : slots + (slots >>> 1));
    pour(segment, larger, larger, 0);
    point(segment, larger, larger, segmentDepth);
  } else {
    split(segmentDepth);
  }
  dropSegment(segment);
}

function split(segmentDepth: u32): void {
  if (segmentDepth === depth) doubleDirectory();
  const bit: u32 = 1 << (31 - segmentDepth);
  const slots = load<u32>(segment, 8);
  let upper: u32 = 0;
  for (let at: u32 = 0; at < slots; at += 1) {
    const slot = segment + SLOTS_AT + (at << 3);
    if (load<u32>(slot, 4) !== 0 && load<u32>(slot) & bit) upper += 1;
  }
  const low = newSegment(segmentDepth + 1, slotsFor(load<u32>(segment, 12) - upper));
  const high = newSegment(segmentDepth + 1, slotsFor(upper));
  pour(segment, low, high, bit);
  point(segment, low, high, segmentDepth);
}

function slotsFor(keys: u32): u32 {
  if (keys < fullAt(SMALL)) return SMALL;
  return keys < fullAt(LARGE) ? LARGE : (keys + (keys >>> 1)) & ~1;
}

function pour(from: u32, low: u32, high: u32, bit: u32): void {
  const slots = load<u32>(from, 8);
  for (let at: u32 = 0; at < slots; at += 1) {
    const slot = from + SLOTS_AT + (at << 3);
    const block = load<u32>(slot, 4);
    if (block === 0) continue;
    const hash = load<u32>(slot);
    place(hash & bit ? high : low, hash, block);
  }
}

/** Lets the directory's entries for `old` point to what took its place: the first half to `low`, the rest to `high`. */
function point(old: u32, low: u32, high: u32, oldDepth: u32): void {
  const share: u32 = 1 << (depth - oldDepth);
  const hash = anyHashIn(low, high);
  const first = oldDepth === 0 ? 0 : (hash >>> (32 - oldDepth)) << (depth - oldDepth);
  for (let index: u32 = 0; index < share; index += 1) {
    const upper = index >= share >>> 1 && low !== high;
    store<u32>(directory + 4 + ((first + index) << 2), upper ? high : low);
  }
}

function anyHashIn(low: u32, high: u32): u32 {
  const from = load<u32>(low, 12) !== 0 ? low : high;
  let slot = from + SLOTS_AT;
  while (load<u32>(slot, 4) === 0) slot += 8;
  return load<u32>(slot);
}

function doubleDirectory(): void {
  const length: u32 = 1 << depth;
  const doubled = take((4 + length * 8 + 7) & ~7);
  if (doubled === 0) unreachable();
  for (let index: u32 = 0; index < length; index += 1) {
    const each = load<u32>(directory + 4 + (index << 2));
    store<u32>(doubled + 4 + (index << 3), each);
    store<u32>(doubled + 4 + (index << 3), each, 4);
  }
  release(directory);
  directory = doubled;
  depth += 1;
}

/** 0 where each key in the index is found by its hash and there are `keys` of them, else the number of the broken rule. */
export function checkIndex(keys: u32): u32 {
  let found: u32 = 0;
  let seen: u32 = 0;
  for (let index: u32 = 0; index < 1 << depth;) {
    const each = load<u32>(directory + 4 + (index << 2));
    const segmentDepth = load<u32>(each, 4);
    if (segmentDepth > depth) return 21;
    let counted: u32 = 0;
    for (let at: u32 = 0; at < load<u32>(each, 8); at += 1) {
      const slot = each + SLOTS_AT + (at << 3);
      const block = load<u32>(slot, 4);
      if (block === 0) continue;
      counted += 1;
      const hash = hashKey(block + KEY_AT, keyBytesOf(block));
      if (hash !== load<u32>(slot)) return 22;
      if (findSlot(hash, block + KEY_AT, keyBytesOf(block)) !== slot) return 23;
    }
    if (counted !== load<u32>(each, 12)) return 24;
    found += counted;
    seen += 1;
    index += 1 << (depth - segmentDepth);
  }
  if (seen !== segments) return 25;
  return found === keys ? 0 : 26;
}
