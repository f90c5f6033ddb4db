import { MillpondError } from "../errors/index.js";

const HEX = /^(?:[0-9a-f]{2})*$/i;
const U64_BYTES = 8;
const U64_MAX = (1n << 64n) - 1n;
const TWO_TO_32 = 2 ** 32;

/** The bytes of a token. A word has four, the first of them highest; zeros follow the last. Signed: such numbers are no objects. */
export interface TokenWords {
  /** Number of bytes. */
  readonly size: number;
  readonly first: number;
  readonly second: number;
  readonly third: number;
}

/**
 * 0 to 10 bytes that a backend handed out and only that backend can read meaning into. The log stores them as they
 * are, so a file of one backend survives being read by another's tools.
 *
 * Kept in words, not in an array: there is a token for each update and each read, and a small typed array takes most of a
 * microsecond to make (Node 20).
 */
export abstract class OpaqueToken {
  static readonly maxBytes = 10;
  /** Ordinary properties, so that `assert.deepEqual` tells two tokens apart. */
  private readonly size: number;
  private readonly first: number;
  private readonly second: number;
  private readonly third: number;

  protected constructor({ size, first, second, third }: TokenWords) {
    this.size = size;
    this.first = first;
    this.second = second;
    this.third = third;
  }

  /** Also of a token of another kind. */
  protected static wordsOf({ size, first, second, third }: OpaqueToken): TokenWords {
    return { size, first, second, third };
  }

  /** Number of bytes, 0 to 10. */
  get length(): number {
    return this.size;
  }

  /** A copy that the caller may keep and change. */
  toBytes(): Uint8Array {
    const bytes = new Uint8Array(this.size);
    this.copyTo(bytes, 0);
    return bytes;
  }

  /** Writes the bytes to `target` at `offset` and returns how many there were. */
  copyTo(target: Uint8Array, offset: number): number {
    const { size } = this;
    for (let at = 0; at < size; at += 1) {
      const word = at < 4 ? this.first : at < U64_BYTES ? this.second : this.third;
      target[offset + at] = word >>> (24 - 8 * (at & 3));
    }
    return size;
  }

  /** Lower-case hex, two digits a byte; `""` for no bytes. */
  toHex(): string {
    return `${hexOf(this.first)}${hexOf(this.second)}${hexOf(this.third)}`.slice(0, 2 * this.size);
  }

  /** The big-endian u64 of an 8-byte token (what NATS revisions are), `undefined` for any other length. */
  toU64(): bigint | undefined {
    if (this.size !== U64_BYTES) return undefined;
    return (BigInt(this.first >>> 0) << 32n) | BigInt(this.second >>> 0);
  }

  /** Same length and same bytes. */
  equals(other: OpaqueToken): boolean {
    return (
      this.size === other.size &&
      this.first === other.first &&
      this.second === other.second &&
      this.third === other.third
    );
  }

  /** Whether the first byte in which the two differ is the lower one here. Says something of tokens of one length only. */
  isBelow(other: OpaqueToken): boolean {
    if (this.first !== other.first) return this.first >>> 0 < other.first >>> 0;
    if (this.second !== other.second) return this.second >>> 0 < other.second >>> 0;
    return this.third >>> 0 < other.third >>> 0;
  }

  /** The hex form, so that logs and assertions show something a person can compare. */
  toString(): string {
    return this.toHex();
  }

  toJSON(): string {
    return this.toHex();
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `${this.constructor.name}(${this.toHex()})`;
  }
}

/** Of `size` bytes from `offset` on. Throws `invalid-argument` above 10. */
export function wordsAt(bytes: Uint8Array, offset: number, size: number): TokenWords {
  if (size > OpaqueToken.maxBytes) {
    throw new MillpondError(
      "invalid-argument",
      `a version or cursor has at most ${OpaqueToken.maxBytes} bytes, not ${size}`,
    );
  }
  const end = offset + size;
  return {
    size,
    first: wordAt(bytes, offset, end),
    second: wordAt(bytes, offset + 4, end),
    third: wordAt(bytes, offset + 8, end),
  };
}

function wordAt(bytes: Uint8Array, from: number, end: number): number {
  let word = 0;
  for (let at = from; at < from + 4; at += 1) {
    word = (word << 8) | (at < end ? (bytes[at] as number) : 0);
  }
  return word;
}

/** The bytes that a hex string spells. Throws `invalid-argument` for an odd length or another character. */
export function bytesOfHex(hex: string): Uint8Array {
  if (!HEX.test(hex)) {
    throw new MillpondError(
      "invalid-argument",
      `not a hex string of whole bytes: ${JSON.stringify(hex)}`,
    );
  }
  return Uint8Array.from(Buffer.from(hex, "hex"));
}

/** Eight bytes, big-endian. Throws `invalid-argument` outside 0 to 2^64-1 and for a number that is not a safe integer. */
export function wordsOfU64(value: bigint | number): TokenWords {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new MillpondError(
      "invalid-argument",
      `not a whole number that is exact: ${value}; pass a bigint`,
    );
  }
  if (value < 0 || value > U64_MAX) {
    throw new MillpondError("invalid-argument", `not an unsigned 64-bit number: ${value}`);
  }
  const [high, low] =
    typeof value === "number"
      ? [Math.floor(value / TWO_TO_32), value]
      : [Number(value >> 32n), Number(value & 0xffff_ffffn)];
  // `| 0` takes the lowest 32 bits of any whole number.
  return { size: U64_BYTES, first: high | 0, second: low | 0, third: 0 };
}

function hexOf(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
