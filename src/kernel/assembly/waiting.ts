/**
 * New entries whose keys do not come in order wait here, in the order of their coming, until a bounded step at a quiet time
 * (or the next ordered read) puts them into the tree: a search through the tree per record would more than double the time
 * of loading a log whose records are in no order.
 *
 * Slots come in chunks: allocator's word, the chunk before, how many are used, then the slots.
 */
import { placeOf, setPlace, WAITING } from "./entry";
import { release, take } from "./heap";
import { insert } from "./tree";

const SLOTS_AT: u32 = 16;
const CHUNK_SLOTS: u32 = 1020;
const CHUNK_BYTES: u32 = SLOTS_AT + CHUNK_SLOTS * 4;

let top: u32 = 0;
let waiting: u32 = 0;

export function openWaiting(): void {
  top = 0;
  waiting = 0;
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
  if (top === 0 || load<u32>(top, 8) === CHUNK_SLOTS) {
    const chunk = take(CHUNK_BYTES);
    if (chunk === 0) unreachable();
    store<u32>(chunk, top, 4);
    store<u32>(chunk, 0, 8);
    top = chunk;
  }
  const used = load<u32>(top, 8);
  const slot = top + SLOTS_AT + (used << 2);
  store<u32>(slot, block);
  store<u32>(top, used + 1, 8);
  setPlace(block, slot | WAITING);
  waiting += 1;
}

export function replaceWaiting(old: u32, block: u32): void {
  const place = placeOf(old);
  store<u32>(place & ~WAITING, block);
  setPlace(block, place);
}

/** The last that came takes the place of the one that goes, so that no slot is ever empty. */
export function stopWaiting(block: u32): void {
  const place = placeOf(block);
  const moved = pop();
  if (moved === block) return;
  store<u32>(place & ~WAITING, moved);
  setPlace(moved, place);
}

function pop(): u32 {
  const used = load<u32>(top, 8) - 1;
  const block = load<u32>(top + SLOTS_AT + (used << 2));
  store<u32>(top, used, 8);
  waiting -= 1;
  if (used === 0) {
    const before = load<u32>(top, 4);
    release(top);
    top = before;
  }
  return block;
}

/** Puts up to `steps` of those that wait into the tree. */
export function settle(steps: u32): void {
  for (let step: u32 = 0; step < steps && waiting !== 0; step += 1) insert(pop());
}

export function checkWaiting(): u32 {
  let counted: u32 = 0;
  for (let chunk = top; chunk !== 0; chunk = load<u32>(chunk, 4)) {
    const used = load<u32>(chunk, 8);
    if (used === 0 || used > CHUNK_SLOTS) return 51;
    for (let index: u32 = 0; index < used; index += 1) {
      const slot = chunk + SLOTS_AT + (index << 2);
      if (placeOf(load<u32>(slot)) !== (slot | WAITING)) return 52;
    }
    counted += used;
  }
  return counted === waiting ? 0 : 53;
}
