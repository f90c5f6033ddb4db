import { crc32 } from "../crc32.js";
import { HEAD_BYTES, SYNC_0, SYNC_1 } from "./format.js";

/** salt, offset, and the head without its checksum. */
const CHECKED_BYTES = 28;
const CRC_AT = 12;

/**
 * Computes the checksum of frame heads, over the salt of the file, the frame's offset in it and the head: a frame of
 * another file or another place, e.g. a log stored as a value in a log, is none.
 */
export class HeadSeal {
  /** A plain array's elements would be boxed less cheaply: this is read by the checksum. */
  readonly #checked = new Uint8Array(CHECKED_BYTES);

  constructor(salt?: Uint8Array) {
    if (salt !== undefined) this.salt = salt;
  }

  /** Of the file that the frames are in. */
  set salt(salt: Uint8Array) {
    this.#checked.set(salt, 0);
  }

  /** The checksum that the head at `at` must carry when it lies at `offset` in the file. */
  checksumOf(bytes: Uint8Array, at: number, offset: number): number {
    const checked = this.#checked;
    writeU32(checked, 8, offset % 2 ** 32);
    writeU32(checked, 12, Math.floor(offset / 2 ** 32));
    for (let index = 0; index < CRC_AT; index += 1) {
      checked[16 + index] = bytes[at + index] as number;
    }
    return crc32(checked, 0, CHECKED_BYTES);
  }

  /** Whether the head at `at`, all of it there, is one for this offset. */
  holds(bytes: Uint8Array, at: number, offset: number): boolean {
    return (
      bytes[at] === SYNC_0 &&
      bytes[at + 1] === SYNC_1 &&
      readU32(bytes, at + CRC_AT) === this.checksumOf(bytes, at, offset)
    );
  }

  /** Makes the head at `at` good for this offset. */
  seal(bytes: Uint8Array, at: number, offset: number): void {
    writeU32(bytes, at + CRC_AT, this.checksumOf(bytes, at, offset));
  }
}

/** Writes a head at `at` whose checksum is still to be made. */
export function writeHead(
  bytes: Uint8Array,
  at: number,
  kind: number,
  bodyBytes: number,
  bodyCrc: number,
): void {
  bytes[at] = SYNC_0;
  bytes[at + 1] = SYNC_1;
  bytes[at + 2] = kind;
  bytes[at + 3] = 0;
  writeU32(bytes, at + 4, bodyBytes);
  writeU32(bytes, at + 8, bodyCrc);
}

/** Length of the body behind the head at `at`. */
export function bodyBytesOf(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at + 4);
}

/** Whether the body behind the head at `at`, all of it there, has the checksum that the head says. */
export function bodyHolds(bytes: Uint8Array, at: number): boolean {
  const start = at + HEAD_BYTES;
  return crc32(bytes, start, start + bodyBytesOf(bytes, at)) === readU32(bytes, at + 8);
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24)) >>>
    0
  );
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** A whole number up to 2^53. */
export function writeU64(bytes: Uint8Array, at: number, value: number): void {
  writeU32(bytes, at, value % 2 ** 32);
  writeU32(bytes, at + 4, Math.floor(value / 2 ** 32));
}
