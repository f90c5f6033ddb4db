import { crc32 } from "node:zlib";
import type { LogFormat } from "../../../src/log/codec.js";

// What FORMAT.md says about checksums and lengths, with no code under test.

export const V3_HEADER_BYTES = 24;
export const V3_HEAD_BYTES = 16;
const V2_HEADER_BYTES = 6;
const SALT_AT = 8;

/** A log cut into its header and its frames (of format 2: records), by the lengths in it; what fits no frame is the last piece. */
export interface Frames {
  readonly format: LogFormat;
  readonly header: Buffer;
  readonly frames: readonly Buffer[];
}

export function formatOf(bytes: Buffer): LogFormat {
  return bytes.toString("latin1", 0, 4) === "PGSS" ? 2 : 3;
}

export function framesOf(bytes: Buffer): Frames {
  const format = formatOf(bytes);
  const headerBytes = format === 2 ? V2_HEADER_BYTES : V3_HEADER_BYTES;
  const frames: Buffer[] = [];
  for (let at = headerBytes; at < bytes.length;) {
    const end = at + lengthAt(bytes, at, format);
    frames.push(bytes.subarray(at, end));
    at = end;
  }
  return { format, header: bytes.subarray(0, headerBytes), frames };
}

function lengthAt(bytes: Buffer, at: number, format: LogFormat): number {
  const left = bytes.length - at;
  if (format === 3) return left < 8 ? left : V3_HEAD_BYTES + bytes.readUInt32LE(at + 4);
  const u16 = (from: number): number => (from + 2 > bytes.length ? 0 : bytes.readUInt16LE(from));
  const u32 = (from: number): number => (from + 4 > bytes.length ? 0 : bytes.readUInt32LE(from));
  const type = bytes[at + 4];
  let end = at + 5;
  if (type !== 3) end += 2 + u16(end);
  if (type === 1) end += 4 + u32(end);
  return end + 1 + (bytes[end] ?? 0) - at;
}

/** Gives a record of format 2 the checksum of what is in it. */
export function sealRecord(record: Buffer): void {
  if (record.length >= 5) record.writeUInt32LE(crc32(record.subarray(4)), 0);
}

export interface SealOptions {
  /** Whether the length is that of the body, too. Default: yes. */
  readonly length?: boolean;
}

/** Gives a frame of format 3 checksums that hold at this offset of a file with this header. */
export function sealFrame(
  frame: Buffer,
  header: Buffer,
  offset: number,
  { length = true }: SealOptions = {},
): void {
  if (frame.length < V3_HEAD_BYTES) return;
  frame.set([0x9d, 0xf3]);
  if (length) frame.writeUInt32LE(frame.length - V3_HEAD_BYTES, 4);
  frame.writeUInt32LE(crc32(frame.subarray(V3_HEAD_BYTES)), 8);
  const place = Buffer.alloc(8);
  place.writeBigUInt64LE(BigInt(offset));
  const salt = header.subarray(SALT_AT, SALT_AT + 8);
  frame.writeUInt32LE(crc32(Buffer.concat([salt, place, frame.subarray(0, 12)])), 12);
}

/** Gives a header of format 3 the checksum of what is in it. */
export function sealHeader(header: Buffer): void {
  if (header.length >= V3_HEADER_BYTES) header.writeUInt32LE(crc32(header.subarray(0, 20)), 20);
}

/** A log as it is, with every checksum made to hold that a reader comes to by the lengths. */
export function sealed(bytes: Buffer): Buffer {
  const { format, header, frames } = framesOf(Buffer.from(bytes));
  if (format === 3) sealHeader(header);
  let offset = header.length;
  for (const frame of frames) {
    if (format === 2) sealRecord(frame);
    else sealFrame(frame, header, offset, { length: false });
    offset += frame.length;
  }
  return Buffer.concat([header, ...frames]);
}
