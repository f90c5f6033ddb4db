import { bytesOfHex, OpaqueToken, wordsAt, wordsOfU64 } from "./opaque-token.js";

/**
 * The version of one record of a key: what a compare-and-set expects. NATS: the stream sequence as u64 big-endian.
 * Ten bytes hold a FoundationDB versionstamp; no bytes mean that the version is not known.
 */
export class VersionToken extends OpaqueToken {
  /** No bytes: the version is not known. Never moves a cursor. */
  static readonly unknown = new VersionToken(wordsAt(new Uint8Array(0), 0, 0));
  declare private readonly brand: "version";

  /** Copies `bytes`. Throws `invalid-argument` above 10 bytes. */
  static fromBytes(bytes: Uint8Array): VersionToken {
    return VersionToken.at(bytes, 0, bytes.length);
  }

  /** Of `size` bytes from `offset` on: without the view of them that {@link VersionToken.fromBytes} would take. */
  static at(bytes: Uint8Array, offset: number, size: number): VersionToken {
    return size === 0 ? VersionToken.unknown : new VersionToken(wordsAt(bytes, offset, size));
  }

  /** A NATS revision. Throws `invalid-argument` for what is not an exact unsigned 64-bit number. */
  static fromU64(value: bigint | number): VersionToken {
    return new VersionToken(wordsOfU64(value));
  }

  /** Throws `invalid-argument` for what is not hex of at most 10 bytes. */
  static fromHex(hex: string): VersionToken {
    return VersionToken.fromBytes(bytesOfHex(hex));
  }

  get isUnknown(): boolean {
    return this.length === 0;
  }
}
