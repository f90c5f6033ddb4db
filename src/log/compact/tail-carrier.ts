import type { KvUpdate, LogPosition } from "../../values/index.js";
import type { BatchEncoder, FilePlace, LogCodec } from "../codec.js";
import type { FrameWalker } from "../frame-walker.js";
import { V2Walker } from "../v2/index.js";
import { V3Walker } from "../v3/index.js";
import type { LogVisitor } from "../visitor.js";

/** Makes of the frames of one file those of another. */
export interface TailCarrier {
  /**
   * Is given the bytes that follow those taken before, from the start of a frame or where it stopped, and may change them.
   * Throws `corrupted` or `invalid-format`.
   */
  take(bytes: Buffer): Carried;
}

export interface Carried {
  /** How many of the bytes were taken. */
  readonly taken: number;
  /** What to write for them. Good until the next call. */
  readonly made: Uint8Array;
  /** How many bytes there must be for it to take any, where it took none and knows. */
  readonly needed?: number;
}

/** A place in a log, and how to read or write there. */
export interface CodedPlace extends FilePlace {
  readonly codec: LogCodec;
}

/** From one place to another. Within a format frames keep their content byte for byte. */
export function tailCarrier(path: string, from: CodedPlace, to: CodedPlace): TailCarrier {
  if (from.codec !== to.codec) return new Conversion(path, from, to);
  const copy = to.codec.tailCopy(path, from, to);
  return {
    take(bytes) {
      const taken = copy.take(bytes);
      return { taken, made: bytes.subarray(0, taken) };
    },
  };
}

/** Reads what is in the frames and writes it in the other format, which drops what that cannot hold. */
class Conversion implements TailCarrier, LogVisitor {
  readonly #walker: FrameWalker;
  readonly #batch: BatchEncoder;
  readonly #salt: Uint8Array;
  #read: number;
  #written: number;
  #made: Uint8Array[] = [];

  constructor(path: string, from: CodedPlace, to: CodedPlace) {
    this.#walker =
      from.codec.format === 2 ? new V2Walker(path, this) : new V3Walker(path, from.salt, this);
    this.#batch = to.codec.encoder();
    this.#salt = to.salt;
    this.#read = from.offset;
    this.#written = to.offset;
  }

  take(bytes: Buffer): Carried {
    this.#made = [];
    const needed = this.#walker.take(bytes, 0, bytes.length, this.#read);
    if (this.#batch.length > 0) this.#finish(undefined);
    const taken = this.#walker.at;
    this.#read += taken;
    const made = Buffer.concat(this.#made);
    return needed === undefined ? { taken, made } : { taken, made, needed };
  }

  update(update: KvUpdate): void {
    this.#batch.add(update);
  }

  position(position: LogPosition): void {
    this.#finish(position);
  }

  #finish(position: LogPosition | undefined): void {
    this.#batch.end(position);
    const frame = this.#batch.stamp({ offset: this.#written, salt: this.#salt });
    this.#made.push(Uint8Array.from(frame));
    this.#written += frame.length;
    this.#batch.clear();
  }
}
