import { newKernel, KEY_AT, PAGES_MAX, STAGING_AT, type Kernel } from "./kernel.js";

const PAGE_BYTES = 65_536;
/** The index's directory has up to 2 to so many places, of four bytes each. */
const MAX_DEPTH = 22;

/** A kernel and views of its memory, which are made anew when it has grown: the old ones end where it ended. */
export class ArenaMemory {
  readonly kernel: Kernel;
  bytes: Buffer;
  /** The same: cutting a piece out of a `Buffer` takes longer. */
  view: Uint8Array;
  words: Uint32Array;

  readonly #seed: number;
  readonly #maxPages: number;

  constructor(seed: number, maxBytes: number) {
    this.#maxPages = Math.min(Math.floor(maxBytes / PAGE_BYTES), PAGES_MAX);
    this.kernel = newKernel(this.#maxPages);
    this.#seed = seed;
    this.clear();
    const { buffer } = this.kernel.memory;
    this.bytes = Buffer.from(buffer);
    this.view = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
  }

  /** Forgets all that is in it. */
  clear(): void {
    this.kernel.open(this.#seed, this.#maxPages, MAX_DEPTH);
  }

  /** After every call that may have made memory grow. */
  renew(): void {
    const { buffer } = this.kernel.memory;
    if (this.bytes.buffer === buffer) return;
    this.bytes = Buffer.from(buffer);
    this.view = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
  }

  get size(): number {
    return this.bytes.length;
  }

  /**
   * Copies up to {@link STAGING_BYTES} into the place for them and gives where they begin: as far from a multiple of 8 as they
   * lay, since the engine copies to and from shared memory byte by byte, eight times slower, where the two differ in that.
   */
  bring(bytes: Uint8Array): number {
    const at = STAGING_AT + (bytes.byteOffset & 7);
    this.view.set(bytes, at);
    return at;
  }

  /** Writes a key to its place and gives its bytes; above 65,535 no entry has it, and nothing is written. */
  writeKey(key: string): number {
    const { view } = this;
    const { length } = key;
    if (length > KEY_BYTES_MAX) return length;
    // A loop: for the usual short ASCII key the call into the engine's encoder takes longer.
    for (let index = 0; index < length; index += 1) {
      const unit = key.charCodeAt(index);
      if (unit > 0x7f) return this.#writeUtf8(key);
      view[KEY_AT + index] = unit;
    }
    return length;
  }

  #writeUtf8(key: string): number {
    const keyBytes = Buffer.byteLength(key);
    if (keyBytes <= KEY_BYTES_MAX) this.bytes.write(key, KEY_AT, "utf8");
    return keyBytes;
  }
}

export const KEY_BYTES_MAX = 65_535;
