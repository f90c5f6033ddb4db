import { isUtf8 } from "node:buffer";
import { VersionToken, WatchCursor } from "../../values/index.js";
import { crc32 } from "../crc32.js";
import { TOKEN_BYTES_MAX, VALUE_BYTES_MAX } from "../limits.js";
import { RECORD_CURSOR, RECORD_DELETE, RECORD_HEAD_BYTES, RECORD_PUT } from "./format.js";

/**
 * `whole`: all its bytes are there; whether its checksum holds is not asked yet. `incomplete`: it reaches at least to
 * `frame.end`, past what was given. The others: what cannot be in a good record.
 */
export type FrameResult =
  "whole" | "incomplete" | "unknown-type" | "value-too-long" | "token-too-long";

/** Where the parts of one record lie in a buffer. One object is filled again and again. */
export class RecordFrame {
  start = 0;
  type = 0;
  keyStart = 0;
  keyEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  /** The version or the cursor. */
  tokenStart = 0;
  end = 0;
}

/** Finds the parts of the record at `start`, reading nothing at or past `limit`. */
export function frameRecord(
  bytes: Buffer,
  start: number,
  limit: number,
  frame: RecordFrame,
): FrameResult {
  frame.start = start;
  let at = start + RECORD_HEAD_BYTES;
  if (at > limit) return incomplete(frame, at);
  frame.type = bytes[start + 4] as number;
  if (frame.type === RECORD_CURSOR) return frameToken(bytes, at, limit, frame);
  if (frame.type !== RECORD_PUT && frame.type !== RECORD_DELETE) return "unknown-type";
  if (at + 2 > limit) return incomplete(frame, at + 2);
  frame.keyStart = at + 2;
  frame.keyEnd = frame.keyStart + bytes.readUInt16LE(at);
  at = frame.keyEnd;
  if (frame.type === RECORD_PUT) {
    if (at + 4 > limit) return incomplete(frame, at + 4);
    const valueBytes = bytes.readUInt32LE(at);
    if (valueBytes > VALUE_BYTES_MAX) return "value-too-long";
    frame.valueStart = at + 4;
    frame.valueEnd = frame.valueStart + valueBytes;
    at = frame.valueEnd;
  }
  return frameToken(bytes, at, limit, frame);
}

function frameToken(bytes: Buffer, at: number, limit: number, frame: RecordFrame): FrameResult {
  if (at + 1 > limit) return incomplete(frame, at + 1);
  const tokenBytes = bytes[at] as number;
  if (tokenBytes > TOKEN_BYTES_MAX) return "token-too-long";
  frame.tokenStart = at + 1;
  frame.end = frame.tokenStart + tokenBytes;
  return frame.end > limit ? "incomplete" : "whole";
}

function incomplete(frame: RecordFrame, end: number): FrameResult {
  frame.end = end;
  return "incomplete";
}

export function checksumHolds(bytes: Buffer, frame: RecordFrame): boolean {
  return crc32(bytes, frame.start + 4, frame.end) === bytes.readUInt32LE(frame.start);
}

/** The record's key; `undefined` where its bytes are not UTF-8. */
export function keyOf(bytes: Buffer, frame: RecordFrame): string | undefined {
  const key = bytes.toString("utf8", frame.keyStart, frame.keyEnd);
  // The decoder puts U+FFFD where bytes are wrong; a key may also hold that character rightly.
  if (key.includes("\uFFFD") && !isUtf8(bytes.subarray(frame.keyStart, frame.keyEnd))) {
    return undefined;
  }
  return key;
}

/** A copy that outlives the buffer. */
export function valueOf(bytes: Buffer, frame: RecordFrame): Uint8Array {
  return new Uint8Array(bytes.subarray(frame.valueStart, frame.valueEnd));
}

export function versionOf(bytes: Buffer, frame: RecordFrame): VersionToken {
  return VersionToken.fromBytes(bytes.subarray(frame.tokenStart, frame.end));
}

export function cursorOf(bytes: Buffer, frame: RecordFrame): WatchCursor {
  return WatchCursor.fromBytes(bytes.subarray(frame.tokenStart, frame.end));
}
