import { CorruptedError, InvalidFormatError } from "../errors/index.js";
import { SALT_BYTES, type LogFormat } from "./codec.js";
import { crc32 } from "./crc32.js";
import * as v2 from "./v2/format.js";
import * as v3 from "./v3/format.js";
import { readU32 } from "./v3/head.js";

export const FOREIGN_HINT =
  "Is this a Millpond snapshot? If it was one, keep a copy and remove it.";
const TORN_HINT =
  "A crash may have cut it short when it was made: opening it for writing makes it whole.";
export const NEWER_HINT = "A newer Millpond made it: read it with that one.";
const V3_START = Buffer.from([0x4d, 0x50, 0x4e, 0x44, v3.FORMAT_VERSION, 0, v3.HEADER_BYTES, 0]);
/** Read at first: whole where the file is that long. */
export const HEADER_BYTES_MAX = v3.HEADER_BYTES;
const VERSION_AT = 4;

export type Header =
  | { readonly state: "whole"; readonly format: LogFormat; readonly salt: Uint8Array }
  /** Cut short when it was written. The format is undefined where no byte of it got that far. */
  | { readonly state: "torn"; readonly format: LogFormat | undefined };

/**
 * What the file's first bytes (all of it, or {@link HEADER_BYTES_MAX}) say. Throws `invalid-format` for what is no header of
 * ours and `corrupted` for a damaged one; for a torn one `invalid-format` unless `allowTorn`.
 */
export function readHeader(path: string, bytes: Buffer, allowTorn: boolean): Header {
  const magic = bytes.toString("latin1", 0, VERSION_AT);
  if (magic === v2.MAGIC && bytes.length >= v2.HEADER_BYTES) return wholeV2(path, bytes);
  if (magic === v3.MAGIC && bytes.length >= v3.HEADER_BYTES) return wholeV3(path, bytes);
  const torn = tornHeader(bytes);
  if (torn !== undefined && allowTorn) return torn;
  if (torn !== undefined || bytes.length < v2.HEADER_BYTES) {
    const hint = torn === undefined ? FOREIGN_HINT : TORN_HINT;
    throw invalid(path, "the file is too short for a header", 0, hint);
  }
  throw invalid(
    path,
    `this is no snapshot log (bad magic, neither "${v3.MAGIC}" nor "${v2.MAGIC}")`,
    0,
  );
}

function wholeV2(path: string, bytes: Buffer): Header {
  const version = bytes.readUInt16LE(VERSION_AT);
  if (version !== v2.FORMAT_VERSION) {
    throw invalid(path, `unsupported format version ${version}`, VERSION_AT);
  }
  return { state: "whole", format: 2, salt: new Uint8Array(0) };
}

function wholeV3(path: string, bytes: Buffer): Header {
  const version = bytes.readUInt16LE(VERSION_AT);
  if (version !== v3.FORMAT_VERSION) {
    throw invalid(path, `unsupported format version ${version}`, VERSION_AT, NEWER_HINT);
  }
  if (crc32(bytes, 0, v3.HEADER_CRC_AT) !== readU32(bytes, v3.HEADER_CRC_AT)) {
    throw new CorruptedError(path, 0, "the checksum of its header does not match");
  }
  if (!bytes.subarray(0, V3_START.length).equals(V3_START)) {
    throw invalid(path, "a header of another length", VERSION_AT + 2, NEWER_HINT);
  }
  const features = readU32(bytes, v3.FEATURES_AT);
  if (features !== 0) {
    const bits = `0x${features.toString(16)}`;
    throw invalid(
      path,
      `features that this version does not know (${bits})`,
      v3.FEATURES_AT,
      NEWER_HINT,
    );
  }
  const salt = Uint8Array.from(bytes.subarray(v3.SALT_AT, v3.SALT_AT + SALT_BYTES));
  return { state: "whole", format: 3, salt };
}

/** What a crash leaves of a header: a beginning of one, with zeros where nothing was written yet. */
function tornHeader(bytes: Buffer): Header | undefined {
  if (bytes.length < v2.HEADER_BYTES && isBeginning(bytes, v2.HEADER)) {
    return { state: "torn", format: bytes.some((byte) => byte !== 0) ? 2 : undefined };
  }
  if (bytes.length < v3.HEADER_BYTES && isBeginning(bytes.subarray(0, V3_START.length), V3_START)) {
    // Its first eight bytes are fixed, and the salt that follows is not.
    return { state: "torn", format: bytes.some((byte) => byte !== 0) ? 3 : undefined };
  }
  return undefined;
}

function isBeginning(bytes: Uint8Array, header: Uint8Array): boolean {
  return bytes.every((byte, index) => byte === header[index] || byte === 0);
}

function invalid(
  path: string,
  what: string,
  offset: number,
  hint = FOREIGN_HINT,
): InvalidFormatError {
  return new InvalidFormatError(`${path}: ${what} at byte ${offset}`, { path, offset }, { hint });
}
