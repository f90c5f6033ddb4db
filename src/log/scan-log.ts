import type { FileHandle } from "../platform/index.js";
import { ChunkReader } from "./chunk-reader.js";
import type { LogFormat } from "./codec.js";
import { codecOf } from "./codecs.js";
import type { DumpExtent } from "./dump-extent.js";
import type { FrameWalker } from "./frame-walker.js";
import { HEADER_BYTES_MAX, readHeader } from "./header.js";
import { V2Walker } from "./v2/index.js";
import { V3Walker, type Lineage } from "./v3/index.js";
import type { LogVisitor } from "./visitor.js";

export interface ScanOptions {
  /** Whether a header that a crash cut short is a result and not `invalid-format`: for whoever makes it whole. Default: no. */
  readonly allowTornHeader?: boolean;
  /** Begins here, where a frame starts, instead of with the header. Default: no. */
  readonly from?: {
    readonly format: LogFormat;
    readonly salt: Uint8Array;
    readonly offset: number;
  };
  /** Learns how far the log is a dump, where the visitor takes no batches whole. Default: nobody asks. */
  readonly dump?: DumpExtent | undefined;
}

export interface ScanResult {
  /** Undefined where the header is torn and none of it was written. */
  readonly format: LogFormat | undefined;
  /** Of 8 bytes; of none in format 2 and where the header is torn. */
  readonly salt: Uint8Array;
  /** Bytes from the start of the file to the end of the last good frame. 0: the header itself is torn. */
  readonly goodBytes: number;
  /** Bytes after that: a torn tail, which is dropped. */
  readonly tornBytes: number;
  /** Good records; v2's cursors included. */
  readonly records: number;
  /** Good frames; in v2 each record is one. */
  readonly frames: number;
  /** Where the last good frame with a position ends; undefined where none has one. */
  readonly lastPosition: number | undefined;
  /** What a compacted v3 file says about the one before it. */
  readonly lineage: Lineage | undefined;
}

/**
 * Between two turns of the event loop, for a visitor that takes updates one by one: some thousand short records take a few
 * milliseconds. One that takes frames whole is several times as fast.
 */
const CHUNK_BYTES = 256 * 1024;
const WALK_CHUNK_BYTES = 1024 * 1024;
const NO_SALT = new Uint8Array(0);

/**
 * Reads the log from its start, a chunk at a time, giving way to other work between chunks; the next chunk is read meanwhile.
 * It holds two chunks and one frame at most. Throws `corrupted` and `invalid-format` with the offset. A header that is cut short is
 * `invalid-format` too, unless `allowTornHeader`. What is appended meanwhile is not looked at.
 */
export async function scanLog(
  handle: FileHandle,
  path: string,
  visitor: LogVisitor,
  options: ScanOptions = {},
): Promise<ScanResult> {
  const scan = new LogScan(handle, path, visitor, options);
  await scan.advance();
  await scan.requireTornTail();
  return scan.result;
}

/**
 * A scan that keeps its place: each {@link LogScan.advance} takes what was appended since the one before. For one file that only
 * grows: whoever calls it looks whether the path has another file by now, and whether this one has become shorter than
 * `result.goodBytes`.
 */
export class LogScan {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #visitor: LogVisitor;
  readonly #allowTornHeader: boolean;
  readonly #dump: DumpExtent | undefined;
  readonly #reader: ChunkReader;
  #walker: FrameWalker | undefined;
  #format: LogFormat | undefined;
  #salt: Uint8Array = NO_SALT;
  #goodBytes = 0;
  #size = 0;

  constructor(
    handle: FileHandle,
    path: string,
    visitor: LogVisitor,
    { allowTornHeader = false, from, dump }: ScanOptions = {},
  ) {
    this.#handle = handle;
    this.#path = path;
    this.#visitor = visitor;
    this.#allowTornHeader = allowTornHeader;
    this.#dump = dump;
    this.#reader = new ChunkReader(
      handle,
      visitor.walk === undefined ? CHUNK_BYTES : WALK_CHUNK_BYTES,
    );
    if (from === undefined) return;
    this.#format = from.format;
    this.#salt = from.salt;
    this.#goodBytes = from.offset;
    this.#walker = this.#walkerOf(from.format, from.salt);
  }

  /** As of the last `advance`. `tornBytes` is then what it could not take, whatever that is. */
  get result(): ScanResult {
    const { records = 0, frames = 0, lastPosition } = this.#walker ?? {};
    return {
      format: this.#format,
      salt: this.#salt,
      goodBytes: this.#goodBytes,
      tornBytes: Math.max(0, this.#size - this.#goodBytes),
      records,
      frames,
      lastPosition,
      lineage: this.#walker instanceof V3Walker ? this.#walker.lineage : undefined,
    };
  }

  /**
   * Takes all good frames from its place to the end that the file has now, or to `limit`, and stops quietly at anything else: a frame that
   * its writer has not finished, or what only {@link LogScan.requireTornTail} can tell. Throws `invalid-format` or `corrupted`
   * for a wrong header (one that is too short too, unless `allowTornHeader`) and `invalid-format` for a malformed frame.
   */
  async advance(limit = Infinity): Promise<ScanResult> {
    const size = Math.min(limit, (await this.#handle.stat()).size);
    const reader = this.#reader;
    reader.restart(this.#goodBytes, size);
    this.#size = size;
    try {
      const walker = await this.#readHeader();
      if (walker !== undefined) await this.#takeFrames(walker);
    } finally {
      this.#size = reader.size;
    }
    return this.result;
  }

  /**
   * Judges what the last `advance` could not take, as it was then. Returns where it is a torn tail, which a crash leaves or a
   * writer is about to finish; throws `corrupted` or `invalid-format` for damage, with its offset.
   */
  async requireTornTail(): Promise<void> {
    if (this.#walker === undefined || this.#goodBytes >= this.#size) return;
    await this.#walker.requireTornTail(this.#handle, this.#goodBytes, this.#size);
  }

  /** Undefined where the header is torn (and may be). */
  async #readHeader(): Promise<FrameWalker | undefined> {
    if (this.#walker !== undefined) return this.#walker;
    const reader = this.#reader;
    await reader.need(Math.min(HEADER_BYTES_MAX, reader.size));
    const { at, end } = reader;
    const bytes = reader.chunk.subarray(at, Math.min(at + HEADER_BYTES_MAX, end));
    const header = readHeader(this.#path, bytes, this.#allowTornHeader);
    this.#format = header.format;
    if (header.state === "torn") return undefined;
    this.#salt = header.salt;
    this.#walker = this.#walkerOf(header.format, header.salt);
    reader.at += codecOf(header.format).headerBytes;
    this.#goodBytes = reader.position;
    return this.#walker;
  }

  #walkerOf(format: LogFormat, salt: Uint8Array): FrameWalker {
    return format === 2
      ? new V2Walker(this.#path, this.#visitor, this.#dump)
      : new V3Walker(this.#path, salt, this.#visitor, this.#dump);
  }

  async #takeFrames(walker: FrameWalker): Promise<void> {
    const reader = this.#reader;
    while (reader.position < reader.size) {
      const needed = this.#takeChunk(walker);
      if (needed === undefined || !(await reader.need(needed))) return;
    }
  }

  #takeChunk(walker: FrameWalker): number | undefined {
    const reader = this.#reader;
    try {
      return walker.take(reader.chunk, reader.at, reader.end, reader.start);
    } finally {
      reader.at = walker.at;
      this.#goodBytes = reader.position;
    }
  }
}
