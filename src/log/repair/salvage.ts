import type { CorruptedError, InvalidFormatError } from "../../errors/index.js";
import type { FileHandle } from "../../platform/index.js";
import { SALT_BYTES, type LogFormat } from "../codec.js";
import { crc32 } from "../crc32.js";
import * as v2 from "../v2/format.js";
import { checksumHolds, frameRecord, RecordFrame } from "../v2/record-frame.js";
import * as v3 from "../v3/format.js";
import { bodyBytesOf, HeadSeal, readU32 } from "../v3/head.js";
import { v3Codec } from "../v3/index.js";
import { LINEAGE_AT } from "../v3/lineage.js";

/** Where in a damaged log of ours the frames are that can be kept. */
export interface Salvage {
  readonly format: LogFormat;
  /** As it stands in the file. v2: zeros. */
  readonly salt: Uint8Array;
  /** The first frame. */
  readonly from: number;
  /** No frame from here on is to be kept. */
  readonly to: number;
}

const NO_SALT = new Uint8Array(SALT_BYTES);
/** Longer headers than this belong to no version that is thinkable. */
const HEADER_BYTES_MAX = 1024;
const HEADER_LENGTH_AT = 6;
const BEHIND_LINEAGE = LINEAGE_AT + v3.LINEAGE_FRAME_BYTES;

/**
 * Whether a file that does not read is a damaged log of ours, and what of it can be kept; `undefined` where it must be left
 * alone. The rule:
 *
 * - With a header that is in order, it is ours. What a newer version wrote whole (a version, a feature or a kind of frame
 *   that is not known here, under a checksum that holds) is no damage.
 * - With a header that is not, it is ours where the first record or frame stands in its place behind it, under a
 *   checksum that holds; or for format 3 where the header's magic is there, or would have its checksum with what never differs
 *   put right. Where not even the salt is left, that keeps nothing.
 * - Everything else may be a file of somebody else's that was named by mistake.
 */
export async function findSalvage(
  handle: FileHandle,
  error: CorruptedError | InvalidFormatError,
): Promise<Salvage | undefined> {
  const head = Buffer.alloc(HEADER_BYTES_MAX);
  const beginning = head.subarray(0, await handle.read(head, 0));
  const damage = error.offset ?? 0;
  if (beginning.subarray(0, v2.HEADER_BYTES).equals(v2.HEADER)) {
    return { format: 2, salt: NO_SALT, from: v2.HEADER_BYTES, to: damage };
  }
  const asThree = await salvageThree(handle, beginning, damage);
  return asThree ?? (await salvageTwo(handle));
}

async function salvageTwo(handle: FileHandle): Promise<Salvage | undefined> {
  const first = Buffer.alloc(v2.RECORD_BYTES_MAX);
  const filled = await handle.read(first, v2.HEADER_BYTES);
  const frame = new RecordFrame();
  if (frameRecord(first, 0, filled, frame) !== "whole") return undefined;
  if (!checksumHolds(first, frame)) return undefined;
  return { format: 2, salt: NO_SALT, from: v2.HEADER_BYTES, to: Infinity };
}

async function salvageThree(
  handle: FileHandle,
  beginning: Buffer,
  damage: number,
): Promise<Salvage | undefined> {
  if (beginning.length < v3.HEADER_BYTES || isNewerHeader(beginning)) return undefined;
  const salt = Uint8Array.from(beginning.subarray(v3.SALT_AT, v3.SALT_AT + SALT_BYTES));
  const seal = new HeadSeal(salt);
  const isHead = (at: number): boolean =>
    at + v3.HEAD_BYTES <= beginning.length && seal.holds(beginning, at, at);
  const [first, second] = [isHead(LINEAGE_AT), isHead(BEHIND_LINEAGE)];
  const whole = v3Codec.header(salt);
  const isSound = beginning.subarray(0, v3.HEADER_BYTES).equals(whole);
  if (isSound && (await isNewerFrame(handle, seal, damage))) return undefined;
  if (!isSound && !first && !second && !isHeaderOfOurs(beginning, whole)) return undefined;
  // A lineage is not copied: it says where an older file's frames are in the damaged one, which soon is not true any more.
  const isLineage = first ? isLineageFrame(beginning) : second;
  const from = isLineage ? BEHIND_LINEAGE : LINEAGE_AT;
  return { format: 3, salt, from, to: isSound && damage >= from ? damage : Infinity };
}

/** Whether the first frame, whose head holds, is a lineage. One of another length is none: readers pass it over as a frame not to be known. */
function isLineageFrame(beginning: Buffer): boolean {
  const isOne = beginning[LINEAGE_AT + 2] === v3.KIND_LINEAGE;
  return isOne && bodyBytesOf(beginning, LINEAGE_AT) === v3.LINEAGE_FRAME_BYTES - v3.HEAD_BYTES;
}

/** Nothing of the header but what differs from file to file is needed to tell. */
function isHeaderOfOurs(beginning: Buffer, whole: Uint8Array): boolean {
  return (
    beginning.toString("latin1", 0, v3.MAGIC.length) === v3.MAGIC ||
    readU32(beginning, v3.HEADER_CRC_AT) === readU32(whole, v3.HEADER_CRC_AT)
  );
}

/** A header of another version, or with features that are not known here, whose checksum holds. */
function isNewerHeader(beginning: Buffer): boolean {
  const length = beginning.readUInt16LE(HEADER_LENGTH_AT);
  if (length < v3.HEADER_BYTES || length > beginning.length) return false;
  if (beginning.toString("latin1", 0, v3.MAGIC.length) !== v3.MAGIC) return false;
  const isThree =
    beginning.readUInt16LE(v3.MAGIC.length) === v3.FORMAT_VERSION &&
    readU32(beginning, v3.FEATURES_AT) === 0;
  return !isThree && crc32(beginning, 0, length - 4) === readU32(beginning, length - 4);
}

/** A frame that a newer version wrote: its head holds, and says what is not known here. */
async function isNewerFrame(handle: FileHandle, seal: HeadSeal, offset: number): Promise<boolean> {
  const head = Buffer.alloc(v3.HEAD_BYTES);
  const filled = await handle.read(head, offset);
  if (filled < v3.HEAD_BYTES || !seal.holds(head, 0, offset)) return false;
  const kind = head[2] as number;
  const isKnown = kind === v3.KIND_BATCH || (kind & v3.KIND_OPTIONAL) !== 0;
  return !isKnown || head[3] !== 0 || bodyBytesOf(head, 0) > v3.FRAME_BODY_BYTES_MAX;
}
