/** Snapshot log format v3, as FORMAT.md specifies it. */
export const FORMAT_VERSION = 3;
export const MAGIC = "MPND";
export const HEADER_BYTES = 24;
/** Where the header has the file's salt. */
export const SALT_AT = 8;
export const FEATURES_AT = 16;
export const HEADER_CRC_AT = 20;

export const SYNC_0 = 0x9d;
export const SYNC_1 = 0xf3;
/** sync u16, kind u8, flags u8, body_len u32, body_crc u32, head_crc u32. */
export const HEAD_BYTES = 16;
export const KIND_BATCH = 1;
/** Set in the kinds that a reader may skip. */
export const KIND_OPTIONAL = 0x80;
export const KIND_LINEAGE = 0x81;
export const FRAME_BODY_BYTES_MAX = 64 * 1024 * 1024;

/** flags u8, cursor_len u8, reserved u16, record_count u32, cursor_time u64. */
export const BATCH_FIXED_BYTES = 16;
export const BATCH_HAS_POSITION = 1;
export const BATCH_HAS_ORIGIN = 2;

/** kind u8, version_len u8, key_len u16, value_len u32. */
export const RECORD_FIXED_BYTES = 8;
export const RECORD_KIND_MASK = 0x0f;
export const RECORD_PUT = 1;
export const RECORD_DELETE = 2;
export const RECORD_PURGE = 3;
export const RECORD_HAS_TIME = 0x10;
export const RECORD_HAS_TTL = 0x20;
export const TIME_BYTES = 8;
/** old salt, old offset u64, new offset u64. */
export const LINEAGE_BODY_BYTES = 24;
export const LINEAGE_FRAME_BYTES = HEAD_BYTES + LINEAGE_BODY_BYTES;
