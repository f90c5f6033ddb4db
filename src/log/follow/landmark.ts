import type { FileHandle } from "../../platform/index.js";
import { HEADER_BYTES } from "../v3/format.js";

const BYTES = 64;

/**
 * Bytes of a file by which to tell that it is still the one that was read, up to the same place: the header, with its salt, and
 * what stands before that place. A copy over the file, or one that was cut off and has grown again, has others.
 */
export class Landmark {
  readonly #offset: number;
  readonly #bytes: Buffer;

  private constructor(offset: number, bytes: Buffer) {
    this.#offset = offset;
    this.#bytes = bytes;
  }

  static async before(handle: FileHandle, offset: number): Promise<Landmark> {
    return new Landmark(offset, await readAround(handle, offset));
  }

  async isThere(handle: FileHandle): Promise<boolean> {
    return (await readAround(handle, this.#offset)).equals(this.#bytes);
  }
}

async function readAround(handle: FileHandle, offset: number): Promise<Buffer> {
  const from = Math.max(0, offset - BYTES);
  const header = Buffer.alloc(Math.min(HEADER_BYTES, from));
  const before = Buffer.alloc(offset - from);
  const filled = [await handle.read(header, 0), await handle.read(before, from)] as const;
  return Buffer.concat([header.subarray(0, filled[0]), before.subarray(0, filled[1])]);
}
