import { nextTurn, type FileHandle } from "../platform/index.js";

/** Room before a chunk that is read ahead, for the beginning of a frame that ends in it. */
const HEADROOM_BYTES = 320 * 1024;

interface Reading {
  readonly buffer: Buffer;
  /** Where in the buffer the bytes come to lie, and how many are asked for. */
  readonly at: number;
  readonly bytes: number;
  readonly filled: Promise<number>;
}

/**
 * Reads a file from one place on, a chunk at a time, and the next one while this one is worked on. It holds two chunks, and
 * a longer buffer while one frame needs it.
 */
export class ChunkReader {
  /** The bytes from `at` to `end` are the file's from `position` on. Reused: what is kept must be copied. */
  chunk: Buffer = Buffer.alloc(0);
  at = 0;
  end = 0;
  /** Where the chunk's first byte lies in the file. */
  start = 0;
  readonly #handle: FileHandle;
  readonly #chunkBytes: number;
  #size = 0;
  #ahead: Reading | undefined;
  #spare: Buffer | undefined;

  constructor(handle: FileHandle, chunkBytes: number) {
    this.#handle = handle;
    this.#chunkBytes = chunkBytes;
  }

  get position(): number {
    return this.start + this.at;
  }

  /** What the file has: what was said at the start, or less once a read has come back short. */
  get size(): number {
    return this.#size;
  }

  /** Reads anew from `position` on, up to `size`: what was read before may have been cut off and written again. */
  restart(position: number, size: number): void {
    this.#ahead = undefined;
    this.start = position;
    this.at = 0;
    this.end = 0;
    this.#size = size;
  }

  /** Makes at least so many bytes be there from `at` on, and gives way to other work. False: the file ends before that. */
  async need(bytes: number): Promise<boolean> {
    if (this.position + bytes > this.#size) return false;
    if (this.end - this.at >= bytes) return true;
    const from = this.start + this.end;
    if (this.#ahead !== undefined) await nextTurn();
    const reading = this.#ahead ?? this.#read(from);
    this.#ahead = undefined;
    const filled = await reading.filled;
    if (filled < reading.bytes) this.#size = from + filled;
    const kept = this.end - this.at;
    if (kept <= reading.at && kept + filled >= Math.min(bytes, this.#size - this.position)) {
      this.#moveTo(reading, kept, filled);
    } else {
      await this.#joinLong(reading, kept, filled, bytes);
    }
    const next = this.start + this.end;
    if (next < this.#size) this.#ahead = this.#read(next);
    return this.position + bytes <= this.#size;
  }

  #moveTo({ buffer, at }: Reading, kept: number, filled: number): void {
    this.chunk.copy(buffer, at - kept, this.at, this.end);
    if (this.chunk.length === HEADROOM_BYTES + this.#chunkBytes) this.#spare = this.chunk;
    this.start += this.at - (at - kept);
    this.chunk = buffer;
    this.at = at - kept;
    this.end = at + filled;
  }

  /** For a frame that is longer than a chunk, or whose beginning is longer than the headroom. */
  async #joinLong(reading: Reading, kept: number, filled: number, bytes: number): Promise<void> {
    const joined = Buffer.allocUnsafeSlow(Math.max(bytes, kept + filled));
    this.chunk.copy(joined, 0, this.at, this.end);
    reading.buffer.copy(joined, kept, reading.at, reading.at + filled);
    if (reading.buffer.length === HEADROOM_BYTES + this.#chunkBytes) this.#spare = reading.buffer;
    this.start = this.position;
    this.chunk = joined;
    this.at = 0;
    this.end = kept + filled;
    const missing = joined.subarray(this.end, Math.min(joined.length, this.#size - this.start));
    if (missing.length === 0) return;
    const more = await this.#handle.read(missing, this.start + this.end);
    this.end += more;
    if (more < missing.length) this.#size = this.start + this.end;
  }

  #read(from: number): Reading {
    const bytes = Math.min(this.#chunkBytes, this.#size - from);
    // A file of one chunk needs no headroom.
    const at = from === this.start && bytes < this.#chunkBytes ? 0 : HEADROOM_BYTES;
    const buffer = at === 0 ? Buffer.allocUnsafeSlow(bytes) : this.#takeSpare();
    const filled = this.#handle.read(buffer.subarray(at, at + bytes), from);
    // Whoever waits for it is told; where nobody does any more, nobody has to know.
    filled.catch(() => undefined);
    return { buffer, at, bytes, filled };
  }

  #takeSpare(): Buffer {
    const spare = this.#spare ?? Buffer.allocUnsafeSlow(HEADROOM_BYTES + this.#chunkBytes);
    this.#spare = undefined;
    return spare;
  }
}
