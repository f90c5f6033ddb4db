import { MillpondError } from "../errors/index.js";

const HEX = /^(?:[0-9a-f]{2})*$/i;
const U64_BYTES = 8;
const U64_MAX = (1n << 64n) - 1n;

/**
 * 0 to 10 bytes that a backend handed out and only that backend can read meaning into. The log stores them as they
 * are, so a file of one backend survives being read by another's tools.
 */
export abstract class OpaqueToken {
  static readonly maxBytes = 10;
  /** An ordinary property, so that `assert.deepEqual` tells two tokens apart. */
  private readonly bytes: Uint8Array;

  /** Takes ownership of `bytes`: the static constructors of the subclasses copy first where they must. */
  protected constructor(bytes: Uint8Array) {
    if (bytes.length > OpaqueToken.maxBytes) {
      throw new MillpondError(
        "invalid-argument",
        `a version or cursor has at most ${OpaqueToken.maxBytes} bytes, not ${bytes.length}`,
      );
    }
    this.bytes = bytes;
  }

  /** Number of bytes, 0 to 10. */
  get length(): number {
    return this.bytes.length;
  }

  /** A copy that the caller may keep and change. */
  toBytes(): Uint8Array {
    return this.bytes.slice();
  }

  /** Writes the bytes to `target` at `offset` and returns how many there were. */
  copyTo(target: Uint8Array, offset: number): number {
    const { bytes } = this;
    // A loop: for so few bytes `set` takes twice as long.
    for (let at = 0; at < bytes.length; at += 1) target[offset + at] = bytes[at] as number;
    return bytes.length;
  }

  /** Lower-case hex, two digits a byte; `""` for no bytes. */
  toHex(): string {
    return Buffer.from(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length).toString("hex");
  }

  /** The big-endian u64 of an 8-byte token (what NATS revisions are), `undefined` for any other length. */
  toU64(): bigint | undefined {
    if (this.bytes.length !== U64_BYTES) return undefined;
    return new DataView(this.bytes.buffer, this.bytes.byteOffset, U64_BYTES).getBigUint64(0);
  }

  /** Same length and same bytes. */
  equals(other: OpaqueToken): boolean {
    if (this.bytes.length !== other.bytes.length) return false;
    return this.bytes.every((byte, index) => byte === other.bytes[index]);
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

/** By a loop: for so few bytes each of the built-in ways takes several times as long. */
export function copyOfFew(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length);
  for (let at = 0; at < bytes.length; at += 1) copy[at] = bytes[at] as number;
  return copy;
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
export function bytesOfU64(value: bigint | number): Uint8Array {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new MillpondError(
      "invalid-argument",
      `not a whole number that is exact: ${value}; pass a bigint`,
    );
  }
  const wide = BigInt(value);
  if (wide < 0n || wide > U64_MAX) {
    throw new MillpondError("invalid-argument", `not an unsigned 64-bit number: ${wide}`);
  }
  // Byte by byte: asking a small array for its buffer, as a DataView must, moves it off the heap.
  const high = Number(wide >> 32n);
  const low = Number(wide & 0xffff_ffffn);
  return Uint8Array.of(
    high >>> 24,
    high >>> 16,
    high >>> 8,
    high,
    low >>> 24,
    low >>> 16,
    low >>> 8,
    low,
  );
}
