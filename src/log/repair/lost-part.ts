import type { FileHandle } from "../../platform/index.js";
import { crc32 } from "../crc32.js";
import { RECORD_CURSOR } from "../v2/format.js";
import { checksumHolds, frameRecord, RecordFrame } from "../v2/record-frame.js";
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

/** A record or frame that is good. */
interface Good {
  readonly end: number;
  /** Whether the position before it counts no more: it is withdrawn, or another origin begins. */
  readonly withdraws: boolean;
}

/**
 * Whether the position before the damage (at `salvage.to`) may be one that the log itself had given up later: a repair of the copy withdraws the
 * position, and then it must not come back, because what it rested on was found to be gone. False only where that is
 * certain: exactly one record or frame is damaged, all after it are good, and none of them withdraws anything. (A
 * withdrawal is never alone: as long as there is no position, every batch after it says so.)
 */
export async function mayHaveWithdrawn(
  handle: FileHandle,
  { format, salt, to: damage }: Salvage,
): Promise<boolean> {
  const { size } = await handle.stat();
  if (damage >= size) return false;
  const window = new Window(handle, size);
  const frames = format === 2 ? new Records(window) : new Frames(window, salt);
  let at = await frames.endOfDamaged(damage);
  if (at === undefined || at >= size) return true;
  while (at < size) {
    const good: Good | undefined = await frames.at(at);
    if (good === undefined || good.withdraws) return true;
    at = good.end;
  }
  return false;
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
  async endOfDamaged(offset: number): Promise<number | undefined> {
    const bytes = await this.#whole(offset);
    return bytes === undefined ? undefined : offset + this.#frame.end;
  }

  async at(offset: number): Promise<Good | undefined> {
    const bytes = await this.#whole(offset);
    if (bytes === undefined || !checksumHolds(bytes, this.#frame)) return undefined;
    const { end, type, tokenStart } = this.#frame;
    return { end: offset + end, withdraws: type === RECORD_CURSOR && tokenStart === end };
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
  async endOfDamaged(offset: number): Promise<number | undefined> {
    const bytes = await this.#window.read(offset, WINDOW_BYTES);
    if (bytes.length < HEAD_BYTES) return undefined;
    if (this.#seal.holds(bytes, 0, offset)) return offset + HEAD_BYTES + bodyBytesOf(bytes, 0);
    const sync = Buffer.of(SYNC_0, SYNC_1);
    for (let at = bytes.indexOf(sync, 1); at !== -1; at = bytes.indexOf(sync, at + 1)) {
      if (at + HEAD_BYTES > bytes.length) return undefined;
      if (!this.#seal.holds(bytes, at, offset + at)) continue;
      return isOneFrame(bytes, at) ? offset + at : undefined;
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
    return { end: offset + length, withdraws: withdraws(frame) };
  }
}

/** Whether the bytes up to `end` are one frame with a damaged head. */
function isOneFrame(bytes: Buffer, end: number): boolean {
  if (end < HEAD_BYTES) return false;
  const hasLength = bodyBytesOf(bytes, 0) === end - HEAD_BYTES;
  return hasLength || crc32(bytes, HEAD_BYTES, end) === readU32(bytes, 8);
}

function withdraws(frame: Buffer): boolean {
  if (frame[2] !== KIND_BATCH || frame.length < HEAD_BYTES + BATCH_FIXED_BYTES) return false;
  const flags = frame[HEAD_BYTES] as number;
  const isNone = (flags & BATCH_HAS_POSITION) !== 0 && frame[HEAD_BYTES + 1] === 0;
  return isNone || (flags & BATCH_HAS_ORIGIN) !== 0;
}
