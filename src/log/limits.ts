/** What an update may hold, in both formats. */
export const KEY_BYTES_MAX = 0xffff;
/** Every reader takes a longer value for damage, so that a log that held one could never be loaded again. */
export const VALUE_BYTES_MAX = 16 * 1024 * 1024;
/** Bytes of a version or a cursor. */
export const TOKEN_BYTES_MAX = 10;
/** A bound on the bytes of a key that needs no pass over it: for each of its UTF-16 units. */
export const UTF8_BYTES_PER_UNIT_MAX = 3;
/** Bytes of the text that says what a position belongs to. Format v3 only. */
export const ORIGIN_BYTES_MAX = 1024 * 1024;
