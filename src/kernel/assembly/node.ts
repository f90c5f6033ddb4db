/**
 * Nodes of the tree that keeps the entries in the order of their keys. A leaf lists addresses of entries; an inner node lists
 * its children, each with the address of the first entry below it, so that no key is stored twice.
 *
 * A node: allocator's word, parent, how many it lists, next and previous leaf (an inner node: 1 and 0), then the list.
 */
import { release, take } from "./heap";

export const LIST_AT: u32 = 24;
export const FAN: u32 = 64;
export const LEAF_BYTES: u32 = LIST_AT + FAN * 4;
export const INNER_BYTES: u32 = LIST_AT + FAN * 8;
/** No block lies there: the mark of an inner node. */
const INNER: u32 = 1;

let nodeBytes: u32 = 0;

export function forgetNodes(): void {
  nodeBytes = 0;
}

export function treeBytes(): u32 {
  return nodeBytes;
}

export function newLeaf(): u32 {
  const leaf = take(LEAF_BYTES);
  if (leaf === 0) unreachable();
  nodeBytes += LEAF_BYTES;
  store<u32>(leaf, 0, 4);
  store<u32>(leaf, 0, 8);
  store<u32>(leaf, 0, 12);
  store<u32>(leaf, 0, 16);
  return leaf;
}

export function newInner(): u32 {
  const inner = take(INNER_BYTES);
  if (inner === 0) unreachable();
  nodeBytes += INNER_BYTES;
  store<u32>(inner, 0, 4);
  store<u32>(inner, 0, 8);
  store<u32>(inner, INNER, 12);
  store<u32>(inner, 0, 16);
  return inner;
}

export function dropNode(node: u32): void {
  nodeBytes -= isInner(node) ? INNER_BYTES : LEAF_BYTES;
  release(node);
}

export function isInner(node: u32): bool {
  return load<u32>(node, 12) === INNER;
}

export function parentOf(node: u32): u32 {
  return load<u32>(node, 4);
}

export function setParent(node: u32, parent: u32): void {
  store<u32>(node, parent, 4);
}

export function countOf(node: u32): u32 {
  return load<u32>(node, 8);
}

export function setCount(node: u32, count: u32): void {
  store<u32>(node, count, 8);
}

export function nextOf(leaf: u32): u32 {
  return load<u32>(leaf, 12);
}

export function setNext(leaf: u32, next: u32): void {
  store<u32>(leaf, next, 12);
}

export function previousOf(leaf: u32): u32 {
  return load<u32>(leaf, 16);
}

export function setPrevious(leaf: u32, previous: u32): void {
  store<u32>(leaf, previous, 16);
}

export function entryAt(leaf: u32, index: u32): u32 {
  return load<u32>(leaf + (index << 2), LIST_AT);
}

export function setEntry(leaf: u32, index: u32, block: u32): void {
  store<u32>(leaf + (index << 2), block, LIST_AT);
}

export function childAt(inner: u32, index: u32): u32 {
  return load<u32>(inner + (index << 3), LIST_AT);
}

/** The first entry below the child. */
export function leastAt(inner: u32, index: u32): u32 {
  return load<u32>(inner + (index << 3), LIST_AT + 4);
}

export function setChild(inner: u32, index: u32, child: u32): void {
  store<u32>(inner + (index << 3), child, LIST_AT);
}

export function setLeast(inner: u32, index: u32, block: u32): void {
  store<u32>(inner + (index << 3), block, LIST_AT + 4);
}

/** The first entry below a node that is not empty. */
export function leastOf(node: u32): u32 {
  return isInner(node) ? leastAt(node, 0) : entryAt(node, 0);
}

export function indexOfChild(inner: u32, child: u32): u32 {
  let index: u32 = 0;
  while (childAt(inner, index) !== child) index += 1;
  return index;
}

export function indexOfEntry(leaf: u32, block: u32): u32 {
  let index: u32 = 0;
  while (entryAt(leaf, index) !== block) index += 1;
  return index;
}

/** Moves what stands at `index` and after up by one. */
export function openGap(node: u32, index: u32, width: u32): void {
  const from = node + LIST_AT + index * width;
  memory.copy(from + width, from, (countOf(node) - index) * width);
  setCount(node, countOf(node) + 1);
}

export function closeGap(node: u32, index: u32, width: u32): void {
  const to = node + LIST_AT + index * width;
  const count = countOf(node) - 1;
  memory.copy(to, to + width, (count - index) * width);
  setCount(node, count);
}
