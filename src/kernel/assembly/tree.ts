/**
 * The entries in the order of their keys' bytes: a B+tree whose leaves are linked. An entry knows its leaf, so overwriting or
 * removing one needs no search. Keys that come in order fill each leaf to the last place.
 */
import { compareEntries, compareKeys, KEY_AT, keyBytesOf, placeOf, setPlace } from "./entry";
import {
  childAt,
  closeGap,
  countOf,
  dropNode,
  entryAt,
  FAN,
  forgetNodes,
  indexOfChild,
  indexOfEntry,
  isInner,
  leastAt,
  leastOf,
  LIST_AT,
  newInner,
  newLeaf,
  nextOf,
  openGap,
  parentOf,
  previousOf,
  setChild,
  setCount,
  setEntry,
  setLeast,
  setNext,
  setParent,
  setPrevious,
} from "./node";

/** Two neighbours that together list no more than this become one. */
const MERGE_UP_TO: u32 = 48;

let root: u32 = 0;
let last: u32 = 0;
/** Where the last search came to. */
let foundIndex: u32 = 0;

export function openTree(): void {
  forgetNodes();
  root = newLeaf();
  last = root;
}

export function firstLeaf(): u32 {
  let node = root;
  while (isInner(node)) node = childAt(node, 0);
  return node;
}

/** Whether the entry's key comes after all others. */
export function isLast(block: u32): bool {
  const count = countOf(last);
  return count === 0 || compareEntries(entryAt(last, count - 1), block) < 0;
}

export function append(block: u32): void {
  insertAt(last, countOf(last), block);
}

/** How many entries there are where there is but one leaf; else 0. */
export function countOfOnlyLeaf(): u32 {
  return isInner(root) ? 0 : countOf(root);
}

/** Takes the last entry out of an only leaf. */
export function takeFromOnlyLeaf(): u32 {
  const left = countOf(root) - 1;
  setCount(root, left);
  return entryAt(root, left);
}

/** Puts an entry into the tree; `near`: a leaf where its place may be, or 0. Gives the leaf where it is. */
export function insertNear(block: u32, near: u32): u32 {
  const key = block + KEY_AT;
  const bytes = keyBytesOf(block);
  if (near !== 0 && compareEntries(entryAt(near, 0), block) < 0 && endsAfter(near, block)) {
    const count = countOf(near);
    const isBehind = compareEntries(entryAt(near, count - 1), block) < 0;
    insertAt(near, isBehind ? count : indexIn(near, key, bytes, 0, bytes), block);
  } else {
    const leaf = seek(key, bytes);
    insertAt(leaf, foundIndex, block);
  }
  return placeOf(block);
}

/** Whether the leaf behind begins with a later key. */
function endsAfter(leaf: u32, block: u32): bool {
  const next = nextOf(leaf);
  return next === 0 || compareEntries(entryAt(next, 0), block) > 0;
}

/**
 * The leaf in which the first entry stands whose key is not before the one given, or would stand behind all of the leaf;
 * `soughtIndex` says where in it.
 */
export function seek(key: u32, bytes: u32): u32 {
  return descend(key, bytes, 0, 0xffff);
}

/** As {@link seek}, for the first entry that comes after all keys that begin with the one given. */
export function seekPast(prefix: u32, bytes: u32): u32 {
  return descend(prefix, bytes, 1, bytes);
}

/** Of each key no more than `compared` bytes count; those that are then less than `least` above the one sought come before. */
function descend(key: u32, bytes: u32, least: i32, compared: u32): u32 {
  let node = root;
  while (isInner(node)) {
    // The last child that begins at or before the key; the first child also takes what comes before everything.
    let low: u32 = 0;
    let high = countOf(node);
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      const block = leastAt(node, middle);
      if (compareKeys(block + KEY_AT, min(keyBytesOf(block), compared), key, bytes) <= 0)
        low = middle;
      else high = middle;
    }
    node = childAt(node, low);
  }
  foundIndex = indexIn(node, key, bytes, least, compared);
  return node;
}

function indexIn(leaf: u32, key: u32, bytes: u32, least: i32, compared: u32): u32 {
  let low: u32 = 0;
  let high = countOf(leaf);
  while (low < high) {
    const middle = (low + high) >>> 1;
    const block = entryAt(leaf, middle);
    const order = compareKeys(block + KEY_AT, min(keyBytesOf(block), compared), key, bytes);
    if (order < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function soughtIndex(): u32 {
  return foundIndex;
}

function insertAt(leaf: u32, index: u32, block: u32): void {
  if (countOf(leaf) === FAN) {
    const right = splitLeaf(leaf, index);
    const kept = countOf(leaf);
    if (index > kept || kept === FAN) {
      leaf = right;
      index -= kept;
    }
  }
  openGap(leaf, index, 4);
  setEntry(leaf, index, block);
  setPlace(block, leaf);
  if (index === 0) raiseLeast(leaf);
  if (parentOf(leaf) === 0 && leaf !== root) hang(leaf);
}

/**
 * A new leaf behind a full one, with the upper half of it; with nothing yet where the new entry comes after all of the old
 * leaf, so that keys that come in order leave full leaves behind.
 */
function splitLeaf(leaf: u32, index: u32): u32 {
  const right = newLeaf();
  const next = nextOf(leaf);
  setNext(right, next);
  setPrevious(right, leaf);
  setNext(leaf, right);
  if (next !== 0) setPrevious(next, right);
  else last = right;
  if (index === FAN) return right;
  const half: u32 = FAN / 2;
  memory.copy(right + LIST_AT, leaf + LIST_AT + half * 4, half * 4);
  setCount(leaf, half);
  setCount(right, half);
  for (let at: u32 = 0; at < half; at += 1) setPlace(entryAt(right, at), right);
  hang(right);
  return right;
}

/** Lists a node that has no parent yet, right of its left neighbour. */
function hang(leaf: u32): void {
  let left = previousOf(leaf);
  let node = leaf;
  for (;;) {
    let parent = parentOf(left);
    if (parent === 0) {
      parent = newInner();
      setChild(parent, 0, left);
      setLeast(parent, 0, leastOf(left));
      setCount(parent, 1);
      setParent(left, parent);
      root = parent;
    }
    let index = indexOfChild(parent, left) + 1;
    if (countOf(parent) < FAN) {
      enter(parent, index, node);
      return;
    }
    const right = splitInner(parent, index);
    const kept = countOf(parent);
    if (index > kept || kept === FAN) {
      index -= kept;
      enter(right, index, node);
    } else {
      enter(parent, index, node);
    }
    left = parent;
    node = right;
  }
}

function enter(parent: u32, index: u32, node: u32): void {
  openGap(parent, index, 8);
  setChild(parent, index, node);
  setLeast(parent, index, leastOf(node));
  setParent(node, parent);
}

function splitInner(inner: u32, index: u32): u32 {
  const right = newInner();
  if (index === FAN) return right;
  const half: u32 = FAN / 2;
  memory.copy(right + LIST_AT, inner + LIST_AT + half * 8, half * 8);
  setCount(inner, half);
  setCount(right, half);
  for (let at: u32 = 0; at < half; at += 1) setParent(childAt(right, at), right);
  return right;
}

/** Tells all above that the first entry of this node is another one. */
function raiseLeast(node: u32): void {
  const least = leastOf(node);
  for (;;) {
    const parent = parentOf(node);
    if (parent === 0) return;
    const index = indexOfChild(parent, node);
    setLeast(parent, index, least);
    if (index !== 0) return;
    node = parent;
  }
}

/** Puts `block` in the place of `old`, which has the same key. */
export function replace(old: u32, block: u32): void {
  const leaf = placeOf(old);
  const index = indexOfEntry(leaf, old);
  setEntry(leaf, index, block);
  setPlace(block, leaf);
  if (index === 0) raiseLeast(leaf);
}

export function remove(block: u32): void {
  const leaf = placeOf(block);
  const index = indexOfEntry(leaf, block);
  closeGap(leaf, index, 4);
  if (countOf(leaf) === 0) {
    if (leaf !== root) dropLeaf(leaf);
    return;
  }
  if (index === 0) raiseLeast(leaf);
  if (countOf(leaf) <= MERGE_UP_TO / 2) mergeAround(leaf);
}

function mergeAround(leaf: u32): void {
  const next = nextOf(leaf);
  const previous = previousOf(leaf);
  if (mayMerge(leaf, next)) mergeInto(leaf, next);
  else if (mayMerge(previous, leaf)) mergeInto(previous, leaf);
}

/** Whether there are these two leaves, neighbours below the same parent, and one has room for what both list. */
function mayMerge(left: u32, right: u32): bool {
  if (left === 0 || right === 0 || parentOf(left) !== parentOf(right)) return false;
  return countOf(left) + countOf(right) <= MERGE_UP_TO;
}

function mergeInto(left: u32, right: u32): void {
  const count = countOf(left);
  const more = countOf(right);
  memory.copy(left + LIST_AT + count * 4, right + LIST_AT, more * 4);
  setCount(left, count + more);
  for (let at: u32 = 0; at < more; at += 1) setPlace(entryAt(right, at), left);
  dropLeaf(right);
}

function dropLeaf(leaf: u32): void {
  const next = nextOf(leaf);
  const previous = previousOf(leaf);
  if (next !== 0) setPrevious(next, previous);
  else last = previous;
  if (previous !== 0) setNext(previous, next);
  let node = leaf;
  for (;;) {
    const parent = parentOf(node);
    const index = indexOfChild(parent, node);
    closeGap(parent, index, 8);
    dropNode(node);
    if (countOf(parent) !== 0) {
      if (index === 0) raiseLeast(parent);
      mergeInners(parent);
      break;
    }
    // The root has another child: a tree without entries is one leaf.
    node = parent;
  }
  while (isInner(root) && countOf(root) === 1) {
    const child = childAt(root, 0);
    dropNode(root);
    setParent(child, 0);
    root = child;
  }
}

/** Joins an inner node with its right or left neighbour below the same parent, where both are half empty. */
function mergeInners(inner: u32): void {
  const parent = parentOf(inner);
  if (parent === 0 || countOf(inner) > MERGE_UP_TO / 2) return;
  let index = indexOfChild(parent, inner);
  if (index + 1 === countOf(parent)) {
    if (index === 0) return;
    index -= 1;
  }
  const left = childAt(parent, index);
  const right = childAt(parent, index + 1);
  const count = countOf(left);
  const more = countOf(right);
  if (count + more > MERGE_UP_TO) return;
  memory.copy(left + LIST_AT + count * 8, right + LIST_AT, more * 8);
  setCount(left, count + more);
  for (let at: u32 = 0; at < more; at += 1) setParent(childAt(right, at), left);
  closeGap(parent, index + 1, 8);
  dropNode(right);
  mergeInners(parent);
}

/** 0 where the tree lists `keys` entries in order and all its parts agree, else the number of the broken rule. */
export function checkTree(keys: u32): u32 {
  let leaf = firstLeaf();
  let before: u32 = 0;
  let listed: u32 = 0;
  let previous: u32 = 0;
  while (leaf !== 0) {
    if (previousOf(leaf) !== previous) return 31;
    const count = countOf(leaf);
    if (count > FAN || (count === 0 && leaf !== root)) return 32;
    for (let index: u32 = 0; index < count; index += 1) {
      const block = entryAt(leaf, index);
      if (placeOf(block) !== leaf) return 33;
      if (before !== 0 && compareEntries(before, block) >= 0) return 34;
      before = block;
    }
    listed += count;
    previous = leaf;
    leaf = nextOf(leaf);
  }
  if (previous !== last) return 35;
  if (listed !== keys) return 36;
  return parentOf(root) === 0 ? checkNode(root) : 37;
}

function checkNode(node: u32): u32 {
  if (!isInner(node)) return 0;
  const count = countOf(node);
  if (count === 0 || count > FAN) return 38;
  for (let index: u32 = 0; index < count; index += 1) {
    const child = childAt(node, index);
    if (parentOf(child) !== node) return 39;
    if (leastAt(node, index) !== leastOf(child)) return 40;
    const broken = checkNode(child);
    if (broken !== 0) return broken;
  }
  return 0;
}
