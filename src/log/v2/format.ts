import { KEY_BYTES_MAX, TOKEN_BYTES_MAX, VALUE_BYTES_MAX } from "../limits.js";

/** Snapshot log format v2, as FORMAT.md specifies it. */
export const FORMAT_VERSION = 2;
export const MAGIC = "PGSS";
/** `PGSS`, then the version as u16, little-endian. */
export const HEADER: Uint8Array = Uint8Array.of(0x50, 0x47, 0x53, 0x53, FORMAT_VERSION, 0);
export const HEADER_BYTES = 6;

export const RECORD_PUT = 1;
export const RECORD_DELETE = 2;
export const RECORD_CURSOR = 3;

/** crc32 u32, type u8. */
export const RECORD_HEAD_BYTES = 5;
/** A cursor of no bytes. */
export const RECORD_BYTES_MIN = RECORD_HEAD_BYTES + 1;
/** The longest record there can be: a put. */
export const RECORD_BYTES_MAX =
  RECORD_HEAD_BYTES + 2 + KEY_BYTES_MAX + 4 + VALUE_BYTES_MAX + 1 + TOKEN_BYTES_MAX;

/** Bytes of a put record on disk. */
export function putRecordBytes(keyBytes: number, valueBytes: number, versionBytes: number): number {
  return RECORD_HEAD_BYTES + 2 + keyBytes + 4 + valueBytes + 1 + versionBytes;
}
