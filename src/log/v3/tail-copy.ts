import { CorruptedError } from "../../errors/index.js";
import type { FilePlace, TailCopy } from "../codec.js";
import { HEAD_BYTES } from "./format.js";
import { bodyBytesOf, HeadSeal } from "./head.js";

/** Bodies stay byte for byte; heads are stamped for where they come to lie. */
export class V3TailCopy implements TailCopy {
  readonly #path: string;
  readonly #from: HeadSeal;
  readonly #to: HeadSeal;
  /** Added to an offset in the old file it gives the one in the new. */
  readonly #shift: number;
  /** Offset of the next byte in the old file. */
  #offset: number;
  /** Bytes of a body that are still to come. */
  #bodyLeft = 0;

  constructor(path: string, from: FilePlace, to: FilePlace) {
    this.#path = path;
    this.#from = new HeadSeal(from.salt);
    this.#to = new HeadSeal(to.salt);
    this.#offset = from.offset;
    this.#shift = to.offset - from.offset;
  }

  take(bytes: Uint8Array): number {
    let at = 0;
    for (;;) {
      const inBody = Math.min(this.#bodyLeft, bytes.length - at);
      this.#bodyLeft -= inBody;
      this.#offset += inBody;
      at += inBody;
      if (bytes.length - at < HEAD_BYTES) return at;
      if (!this.#from.holds(bytes, at, this.#offset)) {
        throw new CorruptedError(this.#path, this.#offset, "no frame starts where one has to");
      }
      this.#to.seal(bytes, at, this.#offset + this.#shift);
      this.#bodyLeft = bodyBytesOf(bytes, at);
      this.#offset += HEAD_BYTES;
      at += HEAD_BYTES;
    }
  }
}
