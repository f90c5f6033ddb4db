/** What the host reads: one entry by its key, lists of entries in order, records in order. */
import { copyBytes, KEY_AT, keyBytesOf, RECORD, recordBytesOf, sameBytes } from "./entry";
import { findSlot } from "./index";
import { KEY, LIST, LIST_LENGTH } from "./layout";
import { countOf, entryAt, nextOf } from "./node";
import { hashKey } from "./sip";
import { seek, seekPast, soughtIndex } from "./tree";

/** The place that a call stopped at. */
let leaf: u32 = 0;
let index: u32 = 0;
/** The block of the last record that a dump gave, or of the one that alone is larger than what was asked for. */
let dumped: u32 = 0;
let dumpedCount: u32 = 0;

export function placeLeaf(): u32 {
  return leaf;
}

export function placeIndex(): u32 {
  return index;
}

export function dumpedLast(): u32 {
  return dumped;
}

export function dumpedRecords(): u32 {
  return dumpedCount;
}

/** The entry whose key is in its place; 0: there is none. */
export function find(keyBytes: u32): u32 {
  const slot = findSlot(hashKey(KEY, keyBytes), KEY, keyBytes);
  return slot === 0 ? 0 : load<u32>(slot, 4);
}

/** Goes to the first entry whose key begins with what is in the key's place, or behind the last of them. */
export function goTo(prefixBytes: u32, past: bool): void {
  leaf = past ? seekPast(KEY, prefixBytes) : seek(KEY, prefixBytes);
  index = soughtIndex();
}

/** Lists entries from one place to another, as many as the list holds; gives how many, and where it stopped. */
export function list(fromLeaf: u32, fromIndex: u32, endLeaf: u32, endIndex: u32, most: u32): u32 {
  leaf = fromLeaf;
  index = fromIndex;
  let listed: u32 = 0;
  const wanted = min(most, LIST_LENGTH);
  while (listed < wanted) {
    const stop = leaf === endLeaf ? endIndex : countOf(leaf);
    if (index >= stop) {
      if (leaf === endLeaf || nextOf(leaf) === 0) break;
      leaf = nextOf(leaf);
      index = 0;
      continue;
    }
    store<u32>(LIST + (listed << 2), entryAt(leaf, index));
    listed += 1;
    index += 1;
  }
  return listed;
}

/** Copies records from the key in its place on, without the one of that very key where `after`; gives how many bytes. */
export function dump(keyBytes: u32, after: bool, to: u32, most: u32): u32 {
  goTo(keyBytes, false);
  dumped = 0;
  dumpedCount = 0;
  let at = to;
  while (leaf !== 0) {
    if (index >= countOf(leaf)) {
      leaf = nextOf(leaf);
      index = 0;
      continue;
    }
    const block = entryAt(leaf, index);
    const same =
      after && keyBytesOf(block) === keyBytes && sameBytes(block + KEY_AT, KEY, keyBytes);
    after = false;
    if (!same) {
      const bytes = recordBytesOf(block);
      if (bytes > most - (at - to)) {
        if (dumpedCount === 0) dumped = block;
        break;
      }
      copyBytes(at, block + RECORD, bytes);
      at += bytes;
      dumped = block;
      dumpedCount += 1;
    }
    index += 1;
  }
  return at - to;
}
