import type { KvEntry, KvUpdate, LogPosition } from "../values/index.js";

/** 2: byte for byte the files of the Rust crate `beyond-slipstream`. 3: ours. FORMAT.md specifies both. */
export type LogFormat = 2 | 3;

/** What writing needs to know of a format. */
export interface LogCodec {
  readonly format: LogFormat;
  readonly headerBytes: number;
  /**
   * The most bytes of a {@link BatchEncoder}'s `length` before `end`; infinity where there is no limit. An update whose
   * {@link LogCodec.updateBytesMax} does not fit any more belongs into the next frame: end this one without a position.
   */
  readonly batchBytesMax: number;
  /** The file's header. v3: with this salt of {@link SALT_BYTES}, which is new for every file; v2 has none. */
  header(salt: Uint8Array): Uint8Array;
  /** By how much an update can lengthen a batch. No pass over the key. */
  updateBytesMax(update: KvUpdate | KvEntry): number;
  encoder(): BatchEncoder;
  /** Copies frames from one file to another. */
  tailCopy(path: string, from: FilePlace, to: FilePlace): TailCopy;
}

/** Bytes of a v3 file's salt. */
export const SALT_BYTES = 8;

/** A place in one file. `salt` is that file's, of {@link SALT_BYTES}; v2 looks at neither. */
export interface FilePlace {
  readonly offset: number;
  readonly salt: Uint8Array;
}

/**
 * One batch being encoded, in a buffer that is used again. Updates are checked before (check-record.ts); nothing here
 * does.
 */
export interface BatchEncoder {
  readonly format: LogFormat;
  /** Bytes it would take on disk: exact once ended, without the position before that; 0 when nothing was added. */
  readonly length: number;
  /** Records added, without the position. */
  readonly records: number;
  /** Of an ended batch: whether it was ended with one. */
  readonly hasPosition: boolean;
  add(update: KvUpdate): void;
  addPut(entry: KvEntry): void;
  /** Whole records in v3's encoding, as a dump of the kernel gives them. v3 only: v2 throws. */
  addRecords(records: Uint8Array, count: number): void;
  /**
   * Ends the batch, with the position if one is given; v2 keeps of it only the cursor. Its origin is written where it is
   * not undefined: leave it out where the file has said so before. Nothing is added until `reopen` or `clear`.
   */
  end(position: LogPosition | undefined): void;
  /** Takes `end` back: its write failed. The records stay. */
  reopen(): void;
  /**
   * What to write at this place of this file; for an ended batch. A view that is good until the next call of anything here.
   * May be called again for another place.
   */
  stamp(place: FilePlace): Uint8Array;
  /** v3: the body of the ended batch, without the frame's head, which the kernel takes as it is; a view. v2: undefined. */
  body(): Uint8Array | undefined;
  /** Starts a new batch. Gives back memory above `keepBytes` (default: none). */
  clear(keepBytes?: number): void;
}

/** Makes of a piece of one file, read from a frame's start on and chunk by chunk, what belongs into the other. */
export interface TailCopy {
  /**
   * Is given the bytes that follow those taken before, and changes them in place. Returns how many of them (from the
   * start) may be written now; the rest, at most 15, must be given again in front of the next chunk. Throws `corrupted`
   * (naming the place in the old file) where no frame starts at the end of another.
   */
  take(bytes: Uint8Array): number;
}
