/**
 * A batch is taken in two steps. Staging checks its bytes and copies each record to a block of its own: it may find a fault or
 * no room, and is then undone as if nothing had been. Committing links the blocks: it cannot fail.
 */
import {
  blockBytesFor,
  copyBytes,
  KEY_AT,
  keyBytesOf,
  kindOf,
  placeOf,
  RECORD,
  RECORD_HEAD,
  recordBytesAt,
  recordBytesOf,
  setPlace,
} from "./entry";
import { isHolding, retire } from "./held";
import { blockBytes, hasRoom, release, take } from "./heap";
import { addToIndex, findSlot, indexGrowth, removeFromIndex, warm } from "./index";
import { LIST, RESULT } from "./layout";
import { INNER_BYTES, LEAF_BYTES, treeBytes } from "./node";
import { hashKey } from "./sip";
import { append, isLast, remove, replace } from "./tree";
import { isUtf8 } from "./utf8";
import {
  isWaiting,
  replaceWaiting,
  stopWaiting,
  wait,
  waitingCount,
  waitingGrowth,
} from "./waiting";

/** What a call gives that takes bytes, where it does not say how many it took. */
export const INVALID: i32 = -1;
export const FULL: i32 = -2;

const PUT: u32 = 1;
const PURGE: u32 = 3;
const KIND_FREE_BITS: u32 = 0xc0;
const VALUE_BYTES_MAX: u32 = 16 << 20;
const TOKEN_BYTES_MAX: u32 = 10;
const ORIGIN_BYTES_MAX: u32 = 1 << 20;
const HEAD_BYTES: u32 = 16;
const HAS_POSITION: u32 = 1;
const HAS_ORIGIN: u32 = 2;
/** Kept free by batches that add, so that removals always find room. */
const SPARE_BYTES: u32 = 256 << 10;

/** Records whose places in memory are fetched together, while one waits for the other. */
const GROUP: u32 = 16;

/** Two positions: of the staged batch, and of those committed. Each: known, cursor's bytes, time, cursor, origin, its bytes. */
const STAGED_POSITION: u32 = RESULT + 16;
const POSITION: u32 = RESULT + 64;
const POSITION_BYTES: u32 = 48;

let keys: u32 = 0;
let recordBytes: u64 = 0;
let first: u32 = 0;
let newest: u32 = 0;
let staged: u32 = 0;
let puts: u32 = 0;

export function openBatch(): void {
  memory.fill(RESULT, 0, POSITION + POSITION_BYTES - RESULT);
  keys = 0;
  recordBytes = 0;
  first = 0;
  staged = 0;
  puts = 0;
}

export function keyCount(): u32 {
  return keys;
}

export function recordByteCount(): u64 {
  return recordBytes;
}

export function stagedCount(): u32 {
  return staged;
}

/** Takes the part of a batch's body in front of its records; gives how many bytes that is. */
export function stageHead(at: u32, bytes: u32): i32 {
  if (bytes < HEAD_BYTES) return INVALID;
  const flags = <u32>load<u8>(at);
  const cursorBytes = <u32>load<u8>(at, 1);
  if (flags > (HAS_POSITION | HAS_ORIGIN) || cursorBytes > TOKEN_BYTES_MAX) return INVALID;
  if (load<u16>(at, 2) !== 0) return INVALID;
  // Without a position there is nothing to say of it.
  if (!(flags & HAS_POSITION) && (flags !== 0 || cursorBytes !== 0 || load<u64>(at, 8) !== 0)) {
    return INVALID;
  }
  let end = HEAD_BYTES + cursorBytes;
  if (end > bytes) return INVALID;
  store<u32>(STAGED_POSITION, flags & HAS_POSITION);
  store<u32>(STAGED_POSITION, cursorBytes, 4);
  store<u64>(STAGED_POSITION, load<u64>(at, 8), 8);
  memory.copy(STAGED_POSITION + 16, at + HEAD_BYTES, cursorBytes);
  store<u32>(STAGED_POSITION, 0, 36);
  if (!(flags & HAS_ORIGIN)) return end;
  if (bytes - end < 4) return INVALID;
  const originBytes = load<u32>(at + end);
  end += 4;
  if (originBytes > ORIGIN_BYTES_MAX || originBytes > bytes - end) return INVALID;
  if (!isUtf8(at + end, originBytes)) return INVALID;
  store<u32>(STAGED_POSITION, 1, 36);
  store<u32>(STAGED_POSITION, at + end, 40);
  store<u32>(STAGED_POSITION, originBytes, 44);
  return end + originBytes;
}

/** Whether a record may have the head at `at`. */
function isSoundHead(at: u32): bool {
  const flags = <u32>load<u8>(at);
  const kind = flags & 0x0f;
  if (kind < PUT || kind > PURGE || flags & KIND_FREE_BITS) return false;
  if (load<u8>(at, 1) > TOKEN_BYTES_MAX) return false;
  const valueBytes = load<u32>(at, 4);
  return kind === PUT ? valueBytes <= VALUE_BYTES_MAX : valueBytes === 0;
}

/** Stages up to `most` whole records; gives how many bytes they are. */
export function stageRecords(from: u32, bytes: u32, most: u32): i32 {
  let at = from;
  const stop = from + bytes;
  for (let count: u32 = 0; count < most && stop - at >= RECORD_HEAD; count += 1) {
    if (!isSoundHead(at)) return INVALID;
    const record = recordBytesAt(at);
    if (record > stop - at) break;
    if (!isUtf8(at + RECORD_HEAD, load<u16>(at, 2))) return INVALID;
    const block = take(max(blockBytesFor(record), 16));
    if (block === 0) return FULL;
    copyBytes(block + RECORD, at, record);
    setPlace(block, 0);
    if (first === 0) first = block;
    else setPlace(newest, block);
    newest = block;
    staged += 1;
    puts += u32(kindOf(block) === PUT);
    at += record;
  }
  return at - from;
}

/** 0 where there is room for all that committing may need, else {@link FULL}. */
export function stageEnd(): i32 {
  return puts === 0 || hasRoom(growth()) ? 0 : FULL;
}

/** The most bytes that indexes may grow by until all that is staged or waits is in the tree. */
function growth(): u32 {
  const unlisted = waitingCount() + puts;
  const nodes = LEAF_BYTES + INNER_BYTES;
  // A leaf is split by an entry; and leaves are at least 16 of 64 full, all in all.
  const bySplits = <u64>unlisted * nodes;
  const byFill = <u64>((keys + puts) / 16 + 16) * nodes;
  const tree = min(bySplits, byFill - min(byFill, <u64>treeBytes()));
  const bytes = tree + 8 * nodes + indexGrowth(puts) + waitingGrowth(puts) + SPARE_BYTES;
  return <u32>min(bytes, <u64>0xffff_0000);
}

export function abort(): void {
  while (first !== 0) {
    const block = first;
    first = placeOf(block);
    release(block);
  }
  newest = 0;
  staged = 0;
  puts = 0;
  store<u32>(STAGED_POSITION, 0);
  store<u32>(STAGED_POSITION, 0, 36);
}

export function commit(): void {
  let next = first;
  while (next !== 0) {
    let count: u32 = 0;
    for (; count < GROUP && next !== 0; count += 1) {
      store<u32>(LIST + (count << 3), next);
      store<u32>(LIST + (count << 3), hashKey(next + KEY_AT, keyBytesOf(next)), 4);
      next = placeOf(next);
    }
    warm(LIST, count);
    for (let index: u32 = 0; index < count; index += 1) {
      const block = load<u32>(LIST + (index << 3));
      const hash = load<u32>(LIST + (index << 3), 4);
      if (kindOf(block) === PUT) put(block, hash);
      else drop(block, hash);
    }
  }
  first = 0;
  newest = 0;
  staged = 0;
  puts = 0;
  if (load<u32>(STAGED_POSITION)) {
    memory.copy(POSITION, STAGED_POSITION, POSITION_BYTES - 16);
    store<u32>(STAGED_POSITION, 0);
  }
  if (load<u32>(STAGED_POSITION, 36)) {
    memory.copy(POSITION + 36, STAGED_POSITION + 36, 12);
    store<u32>(STAGED_POSITION, 0, 36);
  }
}

function put(block: u32, hash: u32): void {
  const record = recordBytesOf(block);
  const keyBytes = keyBytesOf(block);
  const slot = findSlot(hash, block + KEY_AT, keyBytes);
  if (slot === 0) {
    addToIndex(hash, block);
    if (isLast(block) && waitingCount() === 0) append(block);
    else wait(block);
    keys += 1;
    recordBytes += record;
    return;
  }
  const old = load<u32>(slot, 4);
  recordBytes += <u64>record - recordBytesOf(old);
  if (blockBytes(old) === blockBytes(block) && !isHolding()) {
    copyBytes(old + RECORD, block + RECORD, record);
    release(block);
    return;
  }
  if (isWaiting(old)) replaceWaiting(old, block);
  else replace(old, block);
  store<u32>(slot, block, 4);
  retire(old);
}

function drop(block: u32, hash: u32): void {
  const slot = findSlot(hash, block + KEY_AT, keyBytesOf(block));
  release(block);
  if (slot === 0) return;
  const old = load<u32>(slot, 4);
  removeFromIndex(slot);
  if (isWaiting(old)) stopWaiting(old);
  else remove(old);
  keys -= 1;
  recordBytes -= recordBytesOf(old);
  retire(old);
}
