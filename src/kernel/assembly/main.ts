/** What the host calls: see `Kernel` in ../kernel.ts. */
import { keyCount, openBatch } from "./batch";
import { openCrc } from "./crc";
import { copyBytes } from "./entry";
import { checkHeap, openHeap, release, take } from "./heap";
import { checkIndex, openIndex } from "./index";
import { openHeld } from "./held";
import { openHash } from "./sip";
import { checkTree, openTree } from "./tree";
import { checkWaiting, openWaiting, waitingCount } from "./waiting";

export {
  abort,
  commit,
  keyCount,
  recordByteCount,
  stagedCount,
  stageEnd,
  stageHead,
  stageRecords,
} from "./batch";
export { crc32 } from "./crc";
export { bytesHeld, cameToHeld, firstHeld, freeHeld, hold } from "./held";
export { heapBytesFree } from "./heap";
export { dump, dumpedLast, dumpedRecords, find, goTo, list, placeIndex, placeLeaf } from "./read";
export { settle, settlePrefix, sortFull, waitingCount } from "./waiting";
export { walk, walkStopped } from "./walk";

/** Starts with nothing, or again: what was there is gone. `maxDepth`: see index.ts. */
export function open(seed: u32, maxPages: u32, maxDepth: u32): void {
  openCrc();
  openHash(seed);
  openHeap(maxPages);
  openIndex(maxDepth);
  openTree();
  openWaiting();
  openHeld();
  openBatch();
}

/** Room for bytes from the host that staging has no place for; 0: there is none. */
export function borrow(bytes: u32): u32 {
  const block = take((bytes + 15) & ~7);
  return block === 0 ? 0 : block + 8;
}

export function giveBack(from: u32): void {
  release(from - 8);
}

export function copy(to: u32, from: u32, bytes: u32): void {
  copyBytes(to, from, bytes);
}

/** 0 where all that is in memory agrees with itself, else the number of the broken rule: for tests. */
export function check(): u32 {
  let broken = checkHeap();
  if (broken === 0) broken = checkIndex(keyCount());
  if (broken === 0) broken = checkTree(keyCount() - waitingCount());
  if (broken === 0) broken = checkWaiting();
  return broken;
}
