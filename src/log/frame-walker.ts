import type { FileHandle } from "../platform/index.js";

/** Takes the frames of format v3, or the records of v2, out of chunks of a file, and hands on what is in them. */
export interface FrameWalker {
  /** Good records so far; v2's cursors included. */
  readonly records: number;
  /** Good frames so far; in v2 each record is one. */
  readonly frames: number;
  /** Where in the file the last frame with a position ends; undefined where none has one. */
  readonly lastPosition: number | undefined;
  /** How far it got: in bytes from the chunk's start, always at the start of a frame. Also after a throw. */
  readonly at: number;
  /**
   * Takes whole good frames from `at` to `end` of the chunk, whose first byte is at `start` in the file. Returns how many bytes
   * there must be for it to go on, or `undefined` where what comes next is not good. Throws `invalid-format` for what no tear
   * or damage makes.
   */
  take(chunk: Buffer, at: number, end: number, start: number): number | undefined;
  /**
   * What stands at `offset`, where `take` got no further, and after it, up to `size`, may be dropped: a torn tail. Throws
   * `corrupted` or `invalid-format` otherwise.
   */
  requireTornTail(handle: FileHandle, offset: number, size: number): Promise<void>;
}
