/**
 * New entries whose keys do not come in order wait here until bounded steps at a quiet time (or the next ordered read) put
 * them into the tree. They come to it in order: first each chunk of them is sorted by itself, then what is first of all chunks
 * goes, one by one, next to where the one before went. A search through the whole tree for each, in no order, would wait for
 * memory at every turn.
 *
 * What is not sorted yet is a list of chunks (chunk.ts), of which only the first is not full; what is sorted: runs.ts.
 */
import { beginsWith, placeOf, setPlace, SORTED, WAITING } from "./entry";
import { release, take } from "./heap";
import { CHUNK_BYTES, CHUNK_SLOTS, setUsed, slotOf, usedOf } from "./chunk";
import { KEY, LIST, LIST_LENGTH } from "./layout";
import { addRun, checkRuns, forgetRuns, listWithPrefix, openRuns, takeFirst } from "./runs";
import { sortChunk } from "./sort";
import { countOfOnlyLeaf, insertNear, takeFromOnlyLeaf } from "./tree";

/** Sorting so many costs about as much as putting one into the tree. */
const SORTED_PER_STEP: u32 = 4;

let top: u32 = 0;
let waiting: u32 = 0;

export function openWaiting(): void {
  top = 0;
  waiting = 0;
  openRuns();
}

export function waitingCount(): u32 {
  return waiting;
}

/** The most bytes that so many more may take here. */
export function waitingGrowth(keys: u32): u32 {
  return keys === 0 ? 0 : (keys / CHUNK_SLOTS + 1) * (CHUNK_BYTES + 16);
}

export function isWaiting(block: u32): bool {
  return (placeOf(block) & WAITING) !== 0;
}

export function wait(block: u32): void {
  if (top === 0 || usedOf(top) === CHUNK_SLOTS) {
    const chunk = take(CHUNK_BYTES);
    if (chunk === 0) unreachable();
    store<u32>(chunk, top, 4);
    setUsed(chunk, 0);
    top = chunk;
  }
  const used = usedOf(top);
  const slot = slotOf(top, used);
  store<u32>(slot, block);
  setUsed(top, used + 1);
  setPlace(block, slot | WAITING);
  waiting += 1;
}

export function replaceWaiting(old: u32, block: u32): void {
  const place = placeOf(old);
  store<u32>(place & ~(WAITING | SORTED), block);
  setPlace(block, place);
}

/** What is not sorted yet has no empty slots: the last that came takes the place of the one that goes. */
export function stopWaiting(block: u32): void {
  const place = placeOf(block);
  waiting -= 1;
  if (place & SORTED) {
    store<u32>(place & ~(WAITING | SORTED), 0);
    if (waiting === 0) forgetRuns();
    return;
  }
  const moved = pop();
  if (moved !== block) {
    store<u32>(place & ~WAITING, moved);
    setPlace(moved, place);
  }
  if (waiting === 0) forgetRuns();
}

function pop(): u32 {
  const used = usedOf(top) - 1;
  const block = load<u32>(slotOf(top, used));
  setUsed(top, used);
  if (used === 0) {
    const before = load<u32>(top, 4);
    release(top);
    top = before;
  }
  return block;
}

/** Sorts what came since, but for the last chunk, which is not full: the rest of the work then waits for its time. */
export function sortFull(): void {
  if (top === 0) return;
  let chunk = load<u32>(top, 4);
  store<u32>(top, 0, 4);
  while (chunk !== 0) {
    const before = load<u32>(chunk, 4);
    sortChunk(chunk);
    addRun(chunk);
    chunk = before;
  }
}

/**
 * Puts into the tree what waits and begins with the prefix in the key's place, as many as the host's list holds: true where
 * there may be more. A range then sees all of its own without the work that the others need.
 */
export function settlePrefix(prefixBytes: u32): bool {
  let listed = takeUnsorted(prefixBytes);
  const sorted = listWithPrefix(prefixBytes, LIST + (listed << 2), LIST_LENGTH - listed);
  listed += sorted;
  waiting -= sorted;
  let leaf: u32 = 0;
  for (let index: u32 = 0; index < listed; index += 1) {
    leaf = insertNear(load<u32>(LIST + (index << 2)), leaf);
  }
  if (waiting === 0) forgetRuns();
  return listed === LIST_LENGTH;
}

/** Of the chunk that is being filled; what another one's sorting left unsorted is no more than that. */
function takeUnsorted(prefixBytes: u32): u32 {
  sortFull();
  if (top === 0) return 0;
  const chunk = top;
  let listed: u32 = 0;
  // Downwards: what takes the place of one that goes was looked at before.
  for (let index = usedOf(chunk); index !== 0; index -= 1) {
    const block = load<u32>(slotOf(chunk, index - 1));
    if (!beginsWith(block, KEY, prefixBytes)) continue;
    store<u32>(LIST + (listed << 2), block);
    listed += 1;
    stopWaiting(block);
  }
  return listed;
}

/**
 * The few that came in order before the first that did not: with them in the tree already, all that belongs between them would
 * leave leaves half full behind.
 */
function takeBackFew(): void {
  const few = countOfOnlyLeaf();
  if (top === 0 || waiting < few << 6 || usedOf(top) + few > CHUNK_SLOTS) return;
  for (let left = few; left !== 0; left -= 1) wait(takeFromOnlyLeaf());
}

/** Puts up to `steps` of those that wait into the tree, or sorts four times as many. */
export function settle(steps: u32): void {
  takeBackFew();
  let left = steps;
  let leaf: u32 = 0;
  while (left !== 0 && waiting !== 0) {
    if (top !== 0) {
      const chunk = top;
      top = load<u32>(chunk, 4);
      sortChunk(chunk);
      addRun(chunk);
      left -= min(left, usedOf(chunk) / SORTED_PER_STEP + 1);
      continue;
    }
    const block = takeFirst();
    left -= 1;
    if (block === 0) continue;
    waiting -= 1;
    leaf = insertNear(block, leaf);
  }
  if (waiting === 0) forgetRuns();
}

export function checkWaiting(): u32 {
  let counted: u32 = 0;
  for (let chunk = top; chunk !== 0; chunk = load<u32>(chunk, 4)) {
    const used = usedOf(chunk);
    if (used === 0 || used > CHUNK_SLOTS) return 51;
    for (let index: u32 = 0; index < used; index += 1) {
      const slot = slotOf(chunk, index);
      if (placeOf(load<u32>(slot)) !== (slot | WAITING)) return 52;
    }
    counted += used;
  }
  const sorted = checkRuns();
  if (sorted < 0) return <u32>-sorted;
  return counted + sorted === waiting ? 0 : 53;
}
