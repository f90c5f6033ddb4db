/**
 * The fixed parts of an arena's memory, in bytes from its start; behind them lies the heap, which grows. A page that was
 * never written costs address space only, so the sizes are those of the largest use.
 */

/** Sixteen tables of 256 words: {@link file://./crc.ts}. */
export const CRC_TABLES: u32 = 0x1000;
/** Blocks of a checksum that is being folded: the last 512 bytes, the next 6144, then 512 for the rest. */
export const CRC_RING: u32 = 0x5000;
/** What a call tells the host beside its result: see the offsets in `kernel.ts`. */
export const RESULT: u32 = 0x7000;
/** What all keys that wait in sorted chunks begin with: runs.ts. */
export const SHARED: u32 = 0x7800;
export const SHARED_BYTES_MAX: u32 = 0x400;
/** Heads of the free lists, and which of them are not empty. */
export const FREE_LISTS: u32 = 0x8000;
/** Addresses of entries for the host. */
export const LIST: u32 = 0xa000;
export const LIST_LENGTH: u32 = 4096;
/** A key or prefix from the host: up to 65,535 bytes. */
export const KEY: u32 = 0x10000;
/** Bytes from and to the host. The head of a batch with the longest origin fits. */
export const STAGING: u32 = 0x20000;
export const STAGING_BYTES: u32 = 0x130000;
export const HEAP: u32 = 0x150000;

export const PAGE_BYTES: u32 = 0x10000;
/** One page less than WASM could have, so that no address after the last byte is 0. */
export const PAGES_MAX: u32 = 0xffff;
