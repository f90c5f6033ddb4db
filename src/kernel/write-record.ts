import type { KvUpdate } from "../values/index.js";
import { RECORD_HEAD_BYTES } from "./kernel.js";

const KIND_OF = { put: 1, delete: 2, purge: 3 } as const;
const HAS_TIME = 0x10;
const HAS_TTL = 0x20;
const TIME_BYTES = 8;
const TOKEN_BYTES_MAX = 10;
/** A UTF-16 unit becomes at most so many bytes. */
const UTF8_BYTES_PER_UNIT_MAX = 3;

/** The most bytes that the update can take as a record. */
export function recordBytesMax(update: KvUpdate): number {
  const valueBytes = update.kind === "put" ? update.value.length : 0;
  const keyBytes = update.key.length * UTF8_BYTES_PER_UNIT_MAX;
  return RECORD_HEAD_BYTES + keyBytes + valueBytes + TOKEN_BYTES_MAX + 2 * TIME_BYTES;
}

/**
 * How far from a multiple of 8 a record should begin for its value to be copied quickly (see `ArenaMemory.bring`); for a key
 * beyond ASCII it is no more than a guess.
 */
export function valueShift(update: KvUpdate): number {
  if (update.kind !== "put") return 0;
  return (update.value.byteOffset - RECORD_HEAD_BYTES - update.key.length) & 7;
}

/** Bytes of the record whose head is at `at`. */
export function recordBytesAt(bytes: Uint8Array, at: number): number {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset + at, RECORD_HEAD_BYTES);
  const flags = head[0] as number;
  const times = ((flags >>> 4) & 1) + ((flags >>> 5) & 1);
  const parts = (head[1] as number) + head.readUInt16LE(2) + head.readUInt32LE(4);
  return RECORD_HEAD_BYTES + parts + times * TIME_BYTES;
}

/** Writes the update as a record of format v3 and gives where it ends. */
export function writeRecord(bytes: Buffer, start: number, update: KvUpdate): number {
  const { key, version, timeMs, ttlMs } = update;
  const keyBytes = bytes.write(key, start + RECORD_HEAD_BYTES, "utf8");
  let at = start + RECORD_HEAD_BYTES + keyBytes;
  let valueBytes = 0;
  if (update.kind === "put") {
    valueBytes = update.value.length;
    bytes.set(update.value, at);
    at += valueBytes;
  }
  at += version.copyTo(bytes, at);
  let flags: number = KIND_OF[update.kind];
  if (timeMs !== undefined) {
    flags |= HAS_TIME;
    at = writeU64(bytes, at, timeMs);
  }
  if (ttlMs !== undefined) {
    flags |= HAS_TTL;
    at = writeU64(bytes, at, ttlMs);
  }
  bytes[start] = flags;
  bytes[start + 1] = version.length;
  bytes.writeUInt16LE(keyBytes, start + 2);
  bytes.writeUInt32LE(valueBytes, start + 4);
  return at;
}

function writeU64(bytes: Buffer, at: number, value: number): number {
  bytes.writeUInt32LE(value % 2 ** 32, at);
  bytes.writeUInt32LE(Math.floor(value / 2 ** 32), at + 4);
  return at + TIME_BYTES;
}
