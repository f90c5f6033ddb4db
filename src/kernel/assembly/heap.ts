/**
 * The allocator: two-level segregated fit (TLSF). Taking and freeing a block takes the same few steps whatever the heap
 * holds, neighbours that are free are always joined, and a fit is at most 1/32 too large.
 *
 * A block starts at a multiple of 8 with one word: its bytes, all included, and two flags. A free one goes on with the next
 * and the previous of its list and ends in its size, so that the block behind it finds its start.
 */
import { FREE_LISTS, HEAP, PAGE_BYTES, PAGES_MAX } from "./layout";

const FREE: u32 = 1;
const PREVIOUS_FREE: u32 = 2;
const FLAGS: u32 = 7;
const BLOCK_BYTES_MIN: u32 = 16;
/** Below 256 bytes there is a list for each size; above, 32 lists for each doubling. */
const SMALL_BITS: u32 = 8;
const LISTS: u32 = 32;
const LISTS_BITS: u32 = 5;
const LEVELS: u32 = 26;
const LEVEL_BITS: u32 = FREE_LISTS;
const HEADS: u32 = FREE_LISTS + 4 * 32;
const GROW_BYTES_MIN: u32 = 1 << 20;
/** The heap grows by one in so many of its bytes: no step is long, and little lies idle. */
const GROW_SHARE: u32 = 64;
const END_BYTES: u32 = 8;

let levels: u32 = 0;
/** A block of no bytes, behind which nothing is. */
let end: u32 = 0;
let limitPages: u32 = PAGES_MAX;
let freeBytes: u32 = 0;

export function heapBytesFree(): u32 {
  return freeBytes;
}

export function openHeap(maxPages: u32): void {
  limitPages = min(maxPages, PAGES_MAX);
  memory.fill(FREE_LISTS, 0, HEADS - FREE_LISTS + LEVELS * LISTS * 4);
  levels = 0;
  freeBytes = 0;
  const memoryEnd = <u32>memory.size() * PAGE_BYTES;
  end = memoryEnd - END_BYTES;
  store<u32>(end, 0);
  store<u32>(HEAP, end - HEAP);
  release(HEAP);
}

export function blockBytes(block: u32): u32 {
  return load<u32>(block) & ~FLAGS;
}

function levelOf(bytes: u32): u32 {
  return bytes < 1 << SMALL_BITS ? 0 : 32 - clz(bytes) - SMALL_BITS;
}

function listOf(bytes: u32, level: u32): u32 {
  return level === 0
    ? bytes >>> 3
    : (bytes >>> (level + SMALL_BITS - 1 - LISTS_BITS)) & (LISTS - 1);
}

function headOf(level: u32, list: u32): u32 {
  return HEADS + ((level << LISTS_BITS) + list) * 4;
}

function enlist(block: u32, bytes: u32): void {
  const level = levelOf(bytes);
  const list = listOf(bytes, level);
  const head = headOf(level, list);
  const next = load<u32>(head);
  store<u32>(block, next, 4);
  store<u32>(block, 0, 8);
  if (next !== 0) store<u32>(next, block, 8);
  store<u32>(head, block);
  const bits = LEVEL_BITS + level * 4;
  store<u32>(bits, load<u32>(bits) | (1 << list));
  levels |= 1 << level;
  freeBytes += bytes;
}

function unlist(block: u32, bytes: u32): void {
  const next = load<u32>(block, 4);
  const previous = load<u32>(block, 8);
  freeBytes -= bytes;
  if (next !== 0) store<u32>(next, previous, 8);
  if (previous !== 0) {
    store<u32>(previous, next, 4);
    return;
  }
  const level = levelOf(bytes);
  const list = listOf(bytes, level);
  store<u32>(headOf(level, list), next);
  if (next !== 0) return;
  const bits = LEVEL_BITS + level * 4;
  const left = load<u32>(bits) & ~(1 << list);
  store<u32>(bits, left);
  if (left === 0) levels &= ~(1 << level);
}

/** A free block of at least `bytes`, still in its list; 0 where there is none. */
function fitting(bytes: u32): u32 {
  let wanted = bytes;
  // A list may hold blocks smaller than `bytes`: the first list that cannot is the one after.
  if (bytes >= 1 << SMALL_BITS) wanted += ((1 << (31 - clz(bytes) - LISTS_BITS)) - 1) & ~7;
  let level = levelOf(wanted);
  let lists = load<u32>(LEVEL_BITS + level * 4) & (~0 << listOf(wanted, level));
  if (lists === 0) {
    const above = levels & (~1 << level);
    if (above === 0) return 0;
    level = ctz(above);
    lists = load<u32>(LEVEL_BITS + level * 4);
  }
  return load<u32>(headOf(level, ctz(lists)));
}

/** A block of `bytes`, a multiple of 8 and at least 16, itself included; 0 where memory has come to its limit. */
export function take(bytes: u32): u32 {
  let block = fitting(bytes);
  if (block === 0) {
    if (!grow(bytes)) return 0;
    block = fitting(bytes);
    if (block === 0) return 0;
  }
  const found = blockBytes(block);
  unlist(block, found);
  const rest = found - bytes;
  if (rest >= BLOCK_BYTES_MIN) {
    const tail = block + bytes;
    store<u32>(tail, rest | FREE);
    store<u32>(tail + rest - 4, rest);
    enlist(tail, rest);
    store<u32>(block, bytes | (load<u32>(block) & PREVIOUS_FREE));
  } else {
    store<u32>(block, load<u32>(block) & ~FREE);
    const behind = block + found;
    store<u32>(behind, load<u32>(behind) & ~PREVIOUS_FREE);
  }
  return block;
}

export function release(block: u32): void {
  const head = load<u32>(block);
  let bytes = head & ~FLAGS;
  let start = block;
  if (head & PREVIOUS_FREE) {
    const before = load<u32>(block - 4);
    start = block - before;
    unlist(start, before);
    bytes += before;
  }
  let behind = start + bytes;
  const next = load<u32>(behind);
  if (next & FREE) {
    const more = next & ~FLAGS;
    unlist(behind, more);
    bytes += more;
    behind += more;
  }
  store<u32>(behind, load<u32>(behind) | PREVIOUS_FREE);
  // Two free blocks are never neighbours, so what lies before this one is in use.
  store<u32>(start, bytes | FREE);
  store<u32>(start + bytes - 4, bytes);
  enlist(start, bytes);
}

function grow(bytes: u32): bool {
  const pages = <u32>memory.size();
  if (pages >= limitPages) return false;
  // A fit is looked for one list up, so ask for 1/32 more; a free block at the end only adds to it.
  const least = (bytes >>> 5) + bytes + PAGE_BYTES + END_BYTES;
  const usual = max(GROW_BYTES_MIN, (pages / GROW_SHARE) * PAGE_BYTES);
  let more = min(max(least, usual) / PAGE_BYTES, limitPages - pages);
  if (memory.grow(more) < 0) {
    more = min(least / PAGE_BYTES, limitPages - pages);
    if (memory.grow(more) < 0) return false;
  }
  const block = end;
  end += more * PAGE_BYTES;
  store<u32>(end, 0);
  store<u32>(block, (more * PAGE_BYTES) | (load<u32>(block) & PREVIOUS_FREE));
  release(block);
  return true;
}

/** Whether blocks of `bytes` in all can be taken. */
export function hasRoom(bytes: u32): bool {
  const ungrown = <u64>(limitPages - min(limitPages, <u32>memory.size())) * PAGE_BYTES;
  const needed = <u64>bytes + (bytes >>> 4) + PAGE_BYTES;
  if (ungrown >= needed) return true;
  return needed < 0x8000_0000 && fitting((<u32>needed) & ~7) !== 0;
}

/** 0 where every block is sound, else the number of the rule that one breaks: for tests. */
export function checkHeap(): u32 {
  let block = HEAP;
  let wasFree = false;
  let free: u32 = 0;
  let freeBlocks: u32 = 0;
  while (block < end) {
    const head = load<u32>(block);
    const bytes = head & ~FLAGS;
    if (bytes < BLOCK_BYTES_MIN || bytes > end - block) return 1;
    if (((head & PREVIOUS_FREE) !== 0) !== wasFree) return 2;
    const isFree = (head & FREE) !== 0;
    if (isFree && wasFree) return 3;
    if (isFree) {
      if (load<u32>(block + bytes - 4) !== bytes) return 4;
      free += bytes;
      freeBlocks += 1;
    }
    wasFree = isFree;
    block += bytes;
  }
  if (block !== end) return 5;
  if (((load<u32>(end) & PREVIOUS_FREE) !== 0) !== wasFree) return 6;
  if (free !== freeBytes) return 7;
  return checkLists(freeBlocks);
}

function checkLists(freeBlocks: u32): u32 {
  let listed: u32 = 0;
  for (let level: u32 = 0; level < LEVELS; level += 1) {
    const lists = load<u32>(LEVEL_BITS + level * 4);
    if ((lists !== 0) !== ((levels & (1 << level)) !== 0)) return 8;
    for (let list: u32 = 0; list < LISTS; list += 1) {
      let block = load<u32>(headOf(level, list));
      if ((block !== 0) !== ((lists & (1 << list)) !== 0)) return 9;
      let previous: u32 = 0;
      while (block !== 0) {
        const bytes = blockBytes(block);
        if (!(load<u32>(block) & FREE)) return 10;
        if (levelOf(bytes) !== level || listOf(bytes, level) !== list) return 11;
        if (load<u32>(block, 8) !== previous) return 12;
        listed += 1;
        if (listed > freeBlocks) return 13;
        previous = block;
        block = load<u32>(block, 4);
      }
    }
  }
  return listed === freeBlocks ? 0 : 14;
}
