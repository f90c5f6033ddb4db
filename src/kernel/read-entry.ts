import { VersionToken, type KvEntry } from "../values/index.js";
import type { ArenaMemory } from "./arena-memory.js";
import type { ValueCopies } from "./value-copies.js";
import { RECORD_AT, RECORD_HEAD_BYTES } from "./kernel.js";

const HAS_TIME = 0x10;
const HAS_TTL = 0x20;
const TIME_BYTES = 8;

/** The key of the entry in this block. */
export function readKey(memory: ArenaMemory, block: number): string {
  const start = block + RECORD_AT + RECORD_HEAD_BYTES;
  return memory.bytes.toString("utf8", start, start + keyBytesOf(memory, block));
}

/** The entry in this block; `known`: its key, where that is at hand. */
export function readEntry(
  memory: ArenaMemory,
  block: number,
  copies: ValueCopies,
  known?: string,
): KvEntry {
  const { bytes, words } = memory;
  const word = (block + RECORD_AT) >>> 2;
  const head = words[word] as number;
  const valueBytes = words[word + 1] as number;
  const keyStart = block + RECORD_AT + RECORD_HEAD_BYTES;
  const valueStart = keyStart + (head >>> 16);
  const versionStart = valueStart + valueBytes;
  const key = known ?? bytes.toString("utf8", keyStart, valueStart);
  const value = copies.copy(valueStart, valueBytes);
  const versionBytes = (head >>> 8) & 0xff;
  const version = VersionToken.at(bytes, versionStart, versionBytes);
  if ((head & (HAS_TIME | HAS_TTL)) === 0) return { key, value, version };
  const end = versionStart + versionBytes;
  return { key, value, version, ...timesAt(bytes, end, head) };
}

function timesAt(bytes: Buffer, at: number, flags: number): Pick<KvEntry, "timeMs" | "ttlMs"> {
  const first = u64At(bytes, at);
  if ((flags & HAS_TIME) === 0) return { ttlMs: first };
  if ((flags & HAS_TTL) === 0) return { timeMs: first };
  return { timeMs: first, ttlMs: u64At(bytes, at + TIME_BYTES) };
}

function u64At(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
}

function keyBytesOf(memory: ArenaMemory, block: number): number {
  return (memory.words[(block + RECORD_AT) >>> 2] as number) >>> 16;
}
