/**
 * A place for entries that wait. Allocator's word; the chunk before, or the next of a heap's siblings; slots used; once it is
 * sorted: the slot whose turn is next, the first child in the heap, nothing, and eight bytes of the next one's key. Then the
 * slots.
 */
const SLOTS_AT: u32 = 32;
export const CHUNK_SLOTS: u32 = 2040;
export const CHUNK_BYTES: u32 = SLOTS_AT + CHUNK_SLOTS * 4;

export function usedOf(chunk: u32): u32 {
  return load<u32>(chunk, 8);
}

export function setUsed(chunk: u32, used: u32): void {
  store<u32>(chunk, used, 8);
}

export function slotOf(chunk: u32, index: u32): u32 {
  return chunk + SLOTS_AT + (index << 2);
}
