/**
 * Blocks that a range which is still being walked may show, though their entries were overwritten or removed. They are freed
 * in the order in which they came here.
 */
import { placeOf, setPlace } from "./entry";
import { blockBytes, release } from "./heap";

let holding = false;
let first: u32 = 0;
let newest: u32 = 0;
let heldBytes: u32 = 0;
/** How many ever came here. */
let came: u64 = 0;

export function openHeld(): void {
  holding = false;
  first = 0;
  heldBytes = 0;
  came = 0;
}

export function hold(whether: bool): void {
  holding = whether;
}

export function isHolding(): bool {
  return holding;
}

export function firstHeld(): u32 {
  return first;
}

export function bytesHeld(): u32 {
  return heldBytes;
}

export function cameToHeld(): u64 {
  return came;
}

/** Frees a block that no entry uses any more, or keeps it while a range may show it. */
export function retire(block: u32): void {
  if (!holding) {
    release(block);
    return;
  }
  setPlace(block, 0);
  if (first === 0) first = block;
  else setPlace(newest, block);
  newest = block;
  heldBytes += blockBytes(block);
  came += 1;
}

/** Frees the one that came first. */
export function freeHeld(): void {
  const block = first;
  first = placeOf(block);
  heldBytes -= blockBytes(block);
  release(block);
}
