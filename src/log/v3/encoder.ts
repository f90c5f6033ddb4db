import { InvalidFormatError } from "../../errors/index.js";
import type { KvEntry, KvUpdate, LogPosition } from "../../values/index.js";
import type { BatchEncoder, FilePlace } from "../codec.js";
import { crc32 } from "../crc32.js";
import { ORIGIN_BYTES_MAX, TOKEN_BYTES_MAX, UTF8_BYTES_PER_UNIT_MAX } from "../limits.js";
import {
  BATCH_FIXED_BYTES,
  BATCH_HAS_ORIGIN,
  BATCH_HAS_POSITION,
  FRAME_BODY_BYTES_MAX,
  HEAD_BYTES,
  KIND_BATCH,
  RECORD_DELETE,
  RECORD_FIXED_BYTES,
  RECORD_HAS_TIME,
  RECORD_HAS_TTL,
  RECORD_PURGE,
  RECORD_PUT,
  TIME_BYTES,
} from "./format.js";
import { HeadSeal, writeHead, writeU32, writeU64 } from "./head.js";

const START_BYTES = 4096;
/** Room before the records for what is known only at the end: the head, the fixed part and a cursor. */
const FRONT_BYTES = HEAD_BYTES + BATCH_FIXED_BYTES + TOKEN_BYTES_MAX;
const KIND_OF = { put: RECORD_PUT, delete: RECORD_DELETE, purge: RECORD_PURGE } as const;
const NO_VALUE = new Uint8Array(0);
const NO_ORIGIN = Buffer.alloc(0);

/** By how much this key and a value of so many bytes lengthen a batch at most. */
export function recordBytesMax(key: string, valueBytes: number): number {
  return (
    RECORD_FIXED_BYTES +
    key.length * UTF8_BYTES_PER_UNIT_MAX +
    valueBytes +
    TOKEN_BYTES_MAX +
    2 * TIME_BYTES
  );
}

/** One frame. The records are written first, and what stands before them backwards from where they start. */
export class V3Encoder implements BatchEncoder {
  readonly format = 3;
  #bytes = Buffer.allocUnsafeSlow(START_BYTES);
  /** Where the records start and end. */
  #recordsStart = FRONT_BYTES;
  #recordsEnd = FRONT_BYTES;
  #records = 0;
  /** Where the frame starts, once it is ended. */
  #frameStart: number | undefined;
  readonly #seal = new HeadSeal();

  get length(): number {
    if (this.#frameStart !== undefined) return this.#recordsEnd - this.#frameStart;
    if (this.#records === 0) return 0;
    return HEAD_BYTES + BATCH_FIXED_BYTES + this.#recordsEnd - this.#recordsStart;
  }

  get records(): number {
    return this.#records;
  }

  get hasPosition(): boolean {
    const flags = this.#bytes[this.#requireEnded() + HEAD_BYTES] as number;
    return (flags & BATCH_HAS_POSITION) !== 0;
  }

  add(update: KvUpdate): void {
    if (update.kind === "put") this.addPut(update);
    else this.#append(KIND_OF[update.kind], update, NO_VALUE);
  }

  addPut(entry: KvEntry): void {
    this.#append(RECORD_PUT, entry, entry.value);
  }

  addRecords(records: Uint8Array, count: number): void {
    this.#reserve(records.length);
    this.#bytes.set(records, this.#recordsEnd);
    this.#recordsEnd += records.length;
    this.#records += count;
  }

  end(position: LogPosition | undefined): void {
    const origin = originBytes(position);
    const cursorBytes = position === undefined ? 0 : position.cursor.length;
    const front = HEAD_BYTES + BATCH_FIXED_BYTES + cursorBytes + origin.length;
    const bodyBytes = front - HEAD_BYTES + this.#recordsEnd - this.#recordsStart;
    if (bodyBytes > FRAME_BODY_BYTES_MAX) {
      throw new InvalidFormatError(
        `a batch of ${bodyBytes} bytes does not fit into a frame: ${FRAME_BODY_BYTES_MAX} at most`,
      );
    }
    this.#makeRoomBefore(front);
    const start = this.#recordsStart - front;
    const at = start + HEAD_BYTES;
    this.#writeFixed(at, position, origin.length > 0);
    const cursorAt = at + BATCH_FIXED_BYTES;
    position?.cursor.copyTo(this.#bytes, cursorAt);
    this.#bytes.set(origin, cursorAt + cursorBytes);
    writeHead(this.#bytes, start, KIND_BATCH, bodyBytes, crc32(this.#bytes, at, this.#recordsEnd));
    this.#frameStart = start;
  }

  reopen(): void {
    this.#frameStart = undefined;
  }

  stamp({ offset, salt }: FilePlace): Uint8Array {
    const start = this.#requireEnded();
    this.#seal.salt = salt;
    this.#seal.seal(this.#bytes, start, offset);
    return this.#bytes.subarray(start, this.#recordsEnd);
  }

  body(): Uint8Array {
    return this.#bytes.subarray(this.#requireEnded() + HEAD_BYTES, this.#recordsEnd);
  }

  clear(keepBytes = Infinity): void {
    this.#frameStart = undefined;
    this.#records = 0;
    this.#recordsStart = FRONT_BYTES;
    this.#recordsEnd = FRONT_BYTES;
    if (this.#bytes.length > keepBytes) this.#bytes = Buffer.allocUnsafeSlow(START_BYTES);
  }

  #requireEnded(): number {
    if (this.#frameStart === undefined) throw new Error("the batch has not ended");
    return this.#frameStart;
  }

  #append(kind: number, entry: Omit<KvEntry, "value">, value: Uint8Array): void {
    const { key, version, timeMs, ttlMs } = entry;
    this.#reserve(recordBytesMax(key, value.length));
    const bytes = this.#bytes;
    const start = this.#recordsEnd;
    let at = start + RECORD_FIXED_BYTES;
    const keyBytes = bytes.write(key, at);
    at += keyBytes;
    bytes.set(value, at);
    at += value.length;
    at += version.copyTo(bytes, at);
    let flags = kind;
    if (timeMs !== undefined) {
      flags |= RECORD_HAS_TIME;
      writeU64(bytes, at, timeMs);
      at += TIME_BYTES;
    }
    if (ttlMs !== undefined) {
      flags |= RECORD_HAS_TTL;
      writeU64(bytes, at, ttlMs);
      at += TIME_BYTES;
    }
    bytes[start] = flags;
    bytes[start + 1] = version.length;
    bytes[start + 2] = keyBytes;
    bytes[start + 3] = keyBytes >>> 8;
    writeU32(bytes, start + 4, value.length);
    this.#recordsEnd = at;
    this.#records += 1;
  }

  #writeFixed(at: number, position: LogPosition | undefined, hasOrigin: boolean): void {
    const bytes = this.#bytes;
    bytes.fill(0, at, at + BATCH_FIXED_BYTES);
    writeU32(bytes, at + 4, this.#records);
    if (position === undefined) return;
    bytes[at] = BATCH_HAS_POSITION | (hasOrigin ? BATCH_HAS_ORIGIN : 0);
    bytes[at + 1] = position.cursor.length;
    if (position.cursorTimeNs > 0n) bytes.writeBigUInt64LE(position.cursorTimeNs, at + 8);
  }

  /** Moves the records where an origin does not fit before them: it is written now and then only. */
  #makeRoomBefore(front: number): void {
    const missing = front - this.#recordsStart;
    if (missing <= 0) return;
    this.#reserve(missing);
    this.#bytes.copyWithin(front, this.#recordsStart, this.#recordsEnd);
    this.#recordsStart += missing;
    this.#recordsEnd += missing;
  }

  #reserve(bytes: number): void {
    const needed = this.#recordsEnd + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#recordsEnd));
    this.#bytes = larger;
  }
}

/** Length and text, as they stand in the body; nothing where there is no origin to write. */
function originBytes(position: LogPosition | undefined): Uint8Array {
  if (position?.origin === undefined) return NO_ORIGIN;
  const text = Buffer.from(position.origin);
  if (text.length > ORIGIN_BYTES_MAX) {
    throw new InvalidFormatError(
      `a log cannot hold an origin of ${text.length} bytes: ${ORIGIN_BYTES_MAX} at most`,
    );
  }
  const bytes = Buffer.allocUnsafe(4 + text.length);
  writeU32(bytes, 0, text.length);
  bytes.set(text, 4);
  return bytes;
}
