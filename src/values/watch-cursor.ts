import { bytesOfHex, OpaqueToken, wordsAt, wordsOfU64 } from "./opaque-token.js";
import type { VersionToken } from "./version-token.js";

/**
 * A position in the flow of a bucket's updates. A persisted or reported cursor C promises that every update up to C has
 * been applied. NATS: a stream sequence as u64 big-endian; no bytes mean that there is no position yet.
 */
export class WatchCursor extends OpaqueToken {
  /** No bytes: no position; a watch from here starts with the current state. */
  static readonly none = new WatchCursor(wordsAt(new Uint8Array(0), 0, 0));
  declare private readonly brand: "cursor";

  /** Copies `bytes`. Throws `invalid-argument` above 10 bytes. */
  static fromBytes(bytes: Uint8Array): WatchCursor {
    if (bytes.length === 0) return WatchCursor.none;
    return new WatchCursor(wordsAt(bytes, 0, bytes.length));
  }

  /** A stream sequence. Throws `invalid-argument` for what is not an exact unsigned 64-bit number. */
  static fromU64(value: bigint | number): WatchCursor {
    return new WatchCursor(wordsOfU64(value));
  }

  /** Throws `invalid-argument` for what is not hex of at most 10 bytes. */
  static fromHex(hex: string): WatchCursor {
    return WatchCursor.fromBytes(bytesOfHex(hex));
  }

  /** The position just after the update that carries `version`; an unknown version gives no position. */
  static fromVersion(version: VersionToken): WatchCursor {
    return version.isUnknown ? WatchCursor.none : new WatchCursor(OpaqueToken.wordsOf(version));
  }

  get isNone(): boolean {
    return this.length === 0;
  }
}
