import { crc32 } from "../crc32.js";
import { ORIGIN_BYTES_MAX } from "../limits.js";
import type { LogCodec } from "../codec.js";
import { recordBytesMax, V3Encoder } from "./encoder.js";
import {
  FRAME_BODY_BYTES_MAX,
  HEADER_BYTES,
  HEADER_CRC_AT,
  MAGIC,
  FORMAT_VERSION,
  SALT_AT,
} from "./format.js";
import { writeU32 } from "./head.js";
import { V3TailCopy } from "./tail-copy.js";

/** Enough for a cursor and what else stands before the longest origin. */
const MARGIN_BYTES = 4096;

export const v3Codec: LogCodec = {
  format: 3,
  headerBytes: HEADER_BYTES,
  batchBytesMax: FRAME_BODY_BYTES_MAX - ORIGIN_BYTES_MAX - MARGIN_BYTES,
  header: headerWith,
  updateBytesMax: (update) =>
    recordBytesMax(update.key, "value" in update ? update.value.length : 0),
  encoder: () => new V3Encoder(),
  tailCopy: (path, from, to) => new V3TailCopy(path, from, to),
};

function headerWith(salt: Uint8Array): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write(MAGIC, "latin1");
  header.writeUInt16LE(FORMAT_VERSION, 4);
  header.writeUInt16LE(HEADER_BYTES, 6);
  header.set(salt, SALT_AT);
  writeU32(header, HEADER_CRC_AT, crc32(header, 0, HEADER_CRC_AT));
  return header;
}
