import type { FileHandle } from "../../platform/index.js";
import { crc32 } from "../crc32.js";
import { RECORD_BYTES_MIN, RECORD_CURSOR, RECORD_HEAD_BYTES } from "../v2/format.js";
import { checksumHolds, frameRecord, RecordFrame } from "../v2/record-frame.js";
import { parseBatch } from "../v3/batch.js";
import {
  BATCH_FIXED_BYTES,
  BATCH_HAS_ORIGIN,
  BATCH_HAS_POSITION,
  FRAME_BODY_BYTES_MAX,
  HEAD_BYTES,
  KIND_BATCH,
  SYNC_0,
  SYNC_1,
} from "../v3/format.js";
import { bodyBytesOf, bodyHolds, HeadSeal, readU32 } from "../v3/head.js";
import type { Salvage } from "./salvage.js";

const WINDOW_BYTES = 1024 * 1024;

/** A cursor of no bytes in format 2, which withdraws the position: it is the same wherever it stands. */
const WITHDRAWAL = withdrawal();

/** A record or frame that is good. */
interface Good {
  readonly end: number;
  readonly hasPosition: boolean;
  /** Whether the position before it counts no more: it is withdrawn, or what it belongs to is said anew. */
  readonly withdraws: boolean;
}

/** One that is not good, and what it cannot be. */
interface Damaged {
  readonly end: number;
  /** Whether it withdraws nothing, by what is left of it. */
  readonly isHarmless: boolean;
}

/**
 * Whether the position before the damage (at `salvage.to`) may be one that the log itself had given up later: a repair of the
 * copy withdraws the position, and then it must not come back, because what it rested on was found to be gone. False only
 * where that is certain: exactly one record or frame is damaged, all after it are good, none of them withdraws anything, and
 * neither did the damaged one. Of that one it is certain
 *
 * - in format 2 where it is longer than a withdrawal, and no withdrawal is in it either;
 * - in format 3 where its body is whole, or its records end where it does behind a cursor; or where the next position does not
 *   say its origin: the one after a withdrawal does, in a log that has one (`hasOrigin`).
 */
export async function mayHaveWithdrawn(
  handle: FileHandle,
  { format, salt, to: damage }: Salvage,
  hasOrigin: boolean,
): Promise<boolean> {
  const { size } = await handle.stat();
  if (damage >= size) return false;
  const window = new Window(handle, size);
  const frames = format === 2 ? new Records(window) : new Frames(window, salt);
  const damaged = await frames.damagedAt(damage);
  if (damaged === undefined || damaged.end >= size) return true;
  let { end: at, isHarmless: isCertain } = damaged;
  while (at < size) {
    const good: Good | undefined = await frames.at(at);
    if (good === undefined || good.withdraws) return true;
    isCertain ||= format === 3 && hasOrigin && good.hasPosition;
    at = good.end;
  }
  return !isCertain;
}

/** Pieces of a file, read so that small ones in a row cost one read. */
class Window {
  readonly #handle: FileHandle;
  readonly size: number;
  #bytes = Buffer.alloc(0);
  #start = 0;

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  /** From `offset` on `length` bytes, or those that there are; a view until the next call. */
  async read(offset: number, length: number): Promise<Buffer> {
    const from = offset - this.#start;
    const end = Math.min(offset + length, this.size);
    if (from < 0 || end > this.#start + this.#bytes.length) {
      const bytes = Buffer.allocUnsafeSlow(Math.max(end - offset, WINDOW_BYTES));
      this.#bytes = bytes.subarray(0, await this.#handle.read(bytes, offset));
      this.#start = offset;
      return this.#bytes.subarray(0, Math.max(0, end - offset));
    }
    return this.#bytes.subarray(from, Math.max(from, end - this.#start));
  }
}

/** Format 2. */
class Records {
  readonly #window: Window;
  readonly #frame = new RecordFrame();

  constructor(window: Window) {
    this.#window = window;
  }

  /** By its own lengths, which hold if a good record follows. */
  async damagedAt(offset: number): Promise<Damaged | undefined> {
    // Where a good record follows one of that length, the other lengths mean nothing.
    if ((await this.at(offset + RECORD_BYTES_MIN)) !== undefined) return undefined;
    const bytes = await this.#whole(offset);
    if (bytes === undefined) return undefined;
    const { end } = this.#frame;
    return { end: offset + end, isHarmless: !bytes.subarray(0, end).includes(WITHDRAWAL) };
  }

  async at(offset: number): Promise<Good | undefined> {
    const bytes = await this.#whole(offset);
    if (bytes === undefined || !checksumHolds(bytes, this.#frame)) return undefined;
    const { end, type, tokenStart } = this.#frame;
    const hasPosition = type === RECORD_CURSOR;
    return { end: offset + end, hasPosition, withdraws: hasPosition && tokenStart === end };
  }

  async #whole(offset: number): Promise<Buffer | undefined> {
    for (let length = 64; ; length = this.#frame.end) {
      const bytes = await this.#window.read(offset, length);
      const found = frameRecord(bytes, 0, bytes.length, this.#frame);
      if (found === "whole") return bytes;
      if (found !== "incomplete" || bytes.length < length) return undefined;
    }
  }
}

/** Format 3. */
class Frames {
  readonly #window: Window;
  readonly #seal: HeadSeal;

  constructor(window: Window, salt: Uint8Array) {
    this.#window = window;
    this.#seal = new HeadSeal(salt);
  }

  /** By its head; or where that is damaged, by the next frame, if what is between them has the body's length or checksum. */
  async damagedAt(offset: number): Promise<Damaged | undefined> {
    const bytes = await this.#window.read(offset, WINDOW_BYTES);
    if (bytes.length < HEAD_BYTES) return undefined;
    if (this.#seal.holds(bytes, 0, offset)) {
      const length = HEAD_BYTES + bodyBytesOf(bytes, 0);
      if (length > HEAD_BYTES + FRAME_BODY_BYTES_MAX) return undefined;
      const frame = await this.#window.read(offset, length);
      return { end: offset + length, isHarmless: hasCursor(frame) };
    }
    const sync = Buffer.of(SYNC_0, SYNC_1);
    for (let at = bytes.indexOf(sync, 1); at !== -1; at = bytes.indexOf(sync, at + 1)) {
      if (at + HEAD_BYTES > bytes.length) return undefined;
      if (!this.#seal.holds(bytes, at, offset + at)) continue;
      return damagedHead(bytes.subarray(0, at), offset);
    }
    return undefined;
  }

  async at(offset: number): Promise<Good | undefined> {
    const head = await this.#window.read(offset, HEAD_BYTES);
    if (head.length < HEAD_BYTES || !this.#seal.holds(head, 0, offset)) return undefined;
    const length = HEAD_BYTES + bodyBytesOf(head, 0);
    if (length > HEAD_BYTES + FRAME_BODY_BYTES_MAX) return undefined;
    const frame = await this.#window.read(offset, length);
    if (frame.length < length || !bodyHolds(frame, 0)) return undefined;
    const isBatch = frame[2] === KIND_BATCH && length >= HEAD_BYTES + BATCH_FIXED_BYTES;
    const flags = isBatch ? (frame[HEAD_BYTES] as number) : 0;
    return {
      end: offset + length,
      hasPosition: (flags & BATCH_HAS_POSITION) !== 0,
      withdraws: isBatch && withdraws(frame),
    };
  }
}

/** The bytes between the damage and the next frame, where they are one frame whose head does not hold. */
function damagedHead(frame: Buffer, offset: number): Damaged | undefined {
  if (frame.length < HEAD_BYTES) return undefined;
  const isWhole = crc32(frame, HEAD_BYTES, frame.length) === readU32(frame, 8);
  if (!isWhole && bodyBytesOf(frame, 0) !== frame.length - HEAD_BYTES) return undefined;
  // Its kind may be what is damaged: any body that could withdraw something is taken for a batch.
  const isHarmless = isWhole ? !withdraws(frame) : hasCursor(frame);
  return { end: offset + frame.length, isHarmless };
}

/**
 * Whether the frame, whose checksum does not hold, has a cursor still. It had one: with another number of bytes before them, its
 * records would not end where it does.
 */
function hasCursor(frame: Buffer): boolean {
  try {
    const { position } = parseBatch(frame.subarray(HEAD_BYTES), true);
    return position !== undefined && !position.cursor.isNone && position.origin === undefined;
  } catch {
    return false;
  }
}

function withdraws(frame: Buffer): boolean {
  if (frame.length < HEAD_BYTES + BATCH_FIXED_BYTES) return false;
  const flags = frame[HEAD_BYTES] as number;
  const isNone = (flags & BATCH_HAS_POSITION) !== 0 && frame[HEAD_BYTES + 1] === 0;
  return isNone || (flags & BATCH_HAS_ORIGIN) !== 0;
}

function withdrawal(): Buffer {
  const record = Buffer.alloc(RECORD_BYTES_MIN);
  record[RECORD_HEAD_BYTES - 1] = RECORD_CURSOR;
  record.writeUInt32LE(crc32(record, 4, RECORD_BYTES_MIN), 0);
  return record;
}
