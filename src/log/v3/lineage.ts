import { SALT_BYTES } from "../codec.js";
import { crc32 } from "../crc32.js";
import {
  HEAD_BYTES,
  HEADER_BYTES,
  KIND_LINEAGE,
  LINEAGE_BODY_BYTES,
  LINEAGE_FRAME_BYTES,
} from "./format.js";
import { HeadSeal, writeHead, writeU64 } from "./head.js";

/** What a compacted file says about the one that it was made from. */
export interface Lineage {
  readonly oldSalt: Uint8Array;
  /** From here on the old file's frames were copied as they are … */
  readonly oldOffset: number;
  /** … to here. So what was at X ≥ `oldOffset` is now at `newOffset` + X − `oldOffset`. */
  readonly newOffset: number;
}

/** Where the lineage frame lies: right behind the header. */
export const LINEAGE_AT = HEADER_BYTES;

/** The frame of {@link LINEAGE_FRAME_BYTES} that belongs to {@link LINEAGE_AT} of the file with this salt. */
export function lineageFrame(lineage: Lineage, salt: Uint8Array): Uint8Array {
  const frame = Buffer.alloc(LINEAGE_FRAME_BYTES);
  frame.set(lineage.oldSalt, HEAD_BYTES);
  writeU64(frame, HEAD_BYTES + SALT_BYTES, lineage.oldOffset);
  writeU64(frame, HEAD_BYTES + SALT_BYTES + 8, lineage.newOffset);
  const crc = crc32(frame, HEAD_BYTES, LINEAGE_FRAME_BYTES);
  writeHead(frame, 0, KIND_LINEAGE, LINEAGE_BODY_BYTES, crc);
  new HeadSeal(salt).seal(frame, 0, LINEAGE_AT);
  return frame;
}

/** What the body of a lineage frame says; undefined where it has another length than this version's. */
export function lineageOf(body: Uint8Array): Lineage | undefined {
  if (body.length !== LINEAGE_BODY_BYTES) return undefined;
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  return {
    oldSalt: Uint8Array.from(body.subarray(0, SALT_BYTES)),
    oldOffset: Number(view.getBigUint64(SALT_BYTES, true)),
    newOffset: Number(view.getBigUint64(SALT_BYTES + 8, true)),
  };
}
