import { bytesOfHex, bytesOfU64, copyOfFew, OpaqueToken } from "./opaque-token.js";

/**
 * The version of one record of a key: what a compare-and-set expects. NATS: the stream sequence as u64 big-endian.
 * Ten bytes hold a FoundationDB versionstamp; no bytes mean that the version is not known.
 */
export class VersionToken extends OpaqueToken {
  /** No bytes: the version is not known. Never moves a cursor. */
  static readonly unknown = new VersionToken(new Uint8Array(0));
  declare private readonly brand: "version";

  /** Copies `bytes`. Throws `invalid-argument` above 10 bytes. */
  static fromBytes(bytes: Uint8Array): VersionToken {
    return bytes.length === 0 ? VersionToken.unknown : new VersionToken(copyOfFew(bytes));
  }

  /** A NATS revision. Throws `invalid-argument` for what is not an exact unsigned 64-bit number. */
  static fromU64(value: bigint | number): VersionToken {
    return new VersionToken(bytesOfU64(value));
  }

  /** Throws `invalid-argument` for what is not hex of at most 10 bytes. */
  static fromHex(hex: string): VersionToken {
    return VersionToken.fromBytes(bytesOfHex(hex));
  }

  get isUnknown(): boolean {
    return this.length === 0;
  }
}
