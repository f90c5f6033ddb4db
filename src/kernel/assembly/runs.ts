/**
 * Sorted chunks of waiting entries, of which the first entry of all is wanted again and again: a pairing heap, whose links are in
 * the chunks themselves, so that it needs no room of its own. An entry that went away before its turn left an empty slot.
 *
 * Chunks are compared by eight bytes of their next keys, behind what all keys here begin with. The order is for speed only:
 * that entries come as sorted as they can.
 */
import { slotOf, usedOf } from "./chunk";
import {
  beginsWith,
  compareEntries,
  compareKeys,
  KEY_AT,
  keyBytesOf,
  placeOf,
  SORTED,
  WAITING,
} from "./entry";
import { release } from "./heap";
import { KEY, SHARED, SHARED_BYTES_MAX } from "./layout";
import { digestOf, sharedBytes } from "./sort";

let root: u32 = 0;
/** What all keys begin with: so many bytes, which are kept in their place. */
let shared: u32 = 0;
/** Nothing but the reason to read: see `warm` in index.ts. */
let warmed: u32 = 0;

export function openRuns(): void {
  root = 0;
}

function siblingOf(run: u32): u32 {
  return load<u32>(run, 4);
}

function setSibling(run: u32, sibling: u32): void {
  store<u32>(run, sibling, 4);
}

function nextOf(run: u32): u32 {
  return load<u32>(run, 12);
}

function setNext(run: u32, index: u32): void {
  store<u32>(run, index, 12);
}

function childOf(run: u32): u32 {
  return load<u32>(run, 16);
}

function setChild(run: u32, child: u32): void {
  store<u32>(run, child, 16);
}

/** The next entry; 0 where it has gone away. */
function headOf(run: u32): u32 {
  return load<u32>(slotOf(run, nextOf(run)));
}

/** Of one that has gone away, nothing is left but what was noted: no key that follows is before it. */
function noteHead(run: u32): void {
  const head = headOf(run);
  if (head !== 0) store<u64>(run, digestOf(head, shared), 24);
}

function comesBefore(a: u32, b: u32): bool {
  const left = load<u64>(a, 24);
  const right = load<u64>(b, 24);
  if (left !== right) return left < right;
  const first = headOf(a);
  const second = headOf(b);
  if (first === 0 || second === 0) return first === 0;
  return compareEntries(first, second) < 0;
}

function meld(a: u32, b: u32): u32 {
  if (a === 0) return b;
  if (b === 0) return a;
  if (comesBefore(b, a)) {
    const swapped = a;
    a = b;
    b = swapped;
  }
  setSibling(b, childOf(a));
  setChild(a, b);
  return a;
}

/** Makes one heap of a run's children: two by two, then all of those from the last on. */
function meldChildren(run: u32): u32 {
  let child = childOf(run);
  let pairs: u32 = 0;
  while (child !== 0) {
    const first = child;
    const second = siblingOf(first);
    child = second === 0 ? 0 : siblingOf(second);
    const winner = meld(first, second);
    setSibling(winner, pairs);
    pairs = winner;
  }
  let heap: u32 = 0;
  while (pairs !== 0) {
    const next = siblingOf(pairs);
    heap = meld(heap, pairs);
    pairs = next;
  }
  setChild(run, 0);
  return heap;
}

/** Takes in a chunk that is sorted and has no empty slots. */
export function addRun(chunk: u32): void {
  setNext(chunk, 0);
  setChild(chunk, 0);
  const first = load<u32>(slotOf(chunk, 0));
  const last = load<u32>(slotOf(chunk, usedOf(chunk) - 1));
  let alike = min(min(keyBytesOf(first), keyBytesOf(last)), SHARED_BYTES_MAX);
  alike = sharedBytes(first + KEY_AT, last + KEY_AT, alike);
  if (root === 0) {
    shared = alike;
    memory.copy(SHARED, first + KEY_AT, shared);
  } else {
    alike = sharedBytes(first + KEY_AT, SHARED, min(alike, shared));
    if (alike < shared) shareLess(alike);
  }
  noteHead(chunk);
  root = meld(root, chunk);
}

/** Lists what is below `run`, all in one row in front of `row`; `run` has no children then. */
function flatten(run: u32, row: u32): u32 {
  let child = childOf(run);
  setChild(run, 0);
  while (child !== 0) {
    const next = siblingOf(child);
    setSibling(child, row);
    row = child;
    child = next;
  }
  return row;
}

function shareLess(bytes: u32): void {
  shared = bytes;
  let row = root;
  setSibling(row, 0);
  root = 0;
  while (row !== 0) {
    const run = row;
    row = flatten(run, siblingOf(run));
    if (headOf(run) === 0) store<u64>(run, 0, 24);
    noteHead(run);
    root = meld(root, run);
  }
}

/** Takes out the entry that comes before all others; 0 where one stood that went away. */
export function takeFirst(): u32 {
  const run = root;
  const block = headOf(run);
  const next = nextOf(run) + 1;
  const used = usedOf(run);
  root = meldChildren(run);
  if (next === used) {
    release(run);
    return block;
  }
  setNext(run, next);
  noteHead(run);
  root = meld(root, run);
  // By the time it is this one's turn, the processor will have fetched it.
  if (next + 1 < used) warmed ^= load<u32>(load<u32>(slotOf(run, next + 1)) + KEY_AT + shared);
  return block;
}

/** Takes out those that begin with the prefix, up to `most`, and lists them at `to`; gives how many. */
export function listWithPrefix(prefixBytes: u32, to: u32, most: u32): u32 {
  return root === 0 ? 0 : listBelow(root, prefixBytes, to, most);
}

function listBelow(run: u32, prefixBytes: u32, to: u32, most: u32): u32 {
  let listed = listInRun(run, prefixBytes, to, most);
  for (let child = childOf(run); child !== 0 && listed < most; child = siblingOf(child)) {
    listed += listBelow(child, prefixBytes, to + (listed << 2), most - listed);
  }
  return listed;
}

function listInRun(run: u32, prefixBytes: u32, to: u32, most: u32): u32 {
  const used = usedOf(run);
  let listed: u32 = 0;
  for (let index = firstNotBefore(run, prefixBytes); index < used && listed < most; index += 1) {
    const slot = slotOf(run, index);
    const block = load<u32>(slot);
    if (block === 0) continue;
    if (!beginsWith(block, KEY, prefixBytes)) break;
    store<u32>(slot, 0);
    store<u32>(to + (listed << 2), block);
    listed += 1;
  }
  return listed;
}

/** The first slot whose entry is not before the prefix, or an empty one in front of that. */
function firstNotBefore(run: u32, prefixBytes: u32): u32 {
  let low = nextOf(run);
  let high = usedOf(run);
  while (low < high) {
    const middle = (low + high) >>> 1;
    let at = middle;
    while (at < high && load<u32>(slotOf(run, at)) === 0) at += 1;
    const block = at < high ? load<u32>(slotOf(run, at)) : 0;
    const isBefore =
      block !== 0 && compareKeys(block + KEY_AT, keyBytesOf(block), KEY, prefixBytes) < 0;
    if (isBefore) low = at + 1;
    else high = middle;
  }
  return low;
}

/** Gives back the chunks, where nothing waits any more. */
export function forgetRuns(): void {
  let row = root;
  if (row !== 0) setSibling(row, 0);
  root = 0;
  while (row !== 0) {
    const run = row;
    row = flatten(run, siblingOf(run));
    release(run);
  }
}

/** How many wait here, or the number of the broken rule, below 0. */
export function checkRuns(): i32 {
  return root === 0 ? 0 : checkRun(root);
}

function checkRun(run: u32): i32 {
  let counted: i32 = 0;
  let before: u32 = 0;
  for (let index = nextOf(run); index < usedOf(run); index += 1) {
    const slot = slotOf(run, index);
    const block = load<u32>(slot);
    if (block === 0) continue;
    if (placeOf(block) !== (slot | WAITING | SORTED)) return -54;
    if (before !== 0 && compareEntries(before, block) >= 0) return -55;
    if (keyBytesOf(block) < shared) return -56;
    if (sharedBytes(block + KEY_AT, SHARED, shared) !== shared) return -57;
    before = block;
    counted += 1;
  }
  for (let child = childOf(run); child !== 0; child = siblingOf(child)) {
    const more = checkRun(child);
    if (more < 0) return more;
    counted += more;
  }
  return counted;
}
