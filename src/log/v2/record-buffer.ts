import type { KvEntry, KvUpdate, VersionToken, WatchCursor } from "../../values/index.js";
import { crc32 } from "../crc32.js";
import { TOKEN_BYTES_MAX, UTF8_BYTES_PER_UNIT_MAX } from "../limits.js";
import {
  putRecordBytes,
  RECORD_CURSOR,
  RECORD_DELETE,
  RECORD_HEAD_BYTES,
  RECORD_PUT,
} from "./format.js";

const START_BYTES = 4096;

/** Records, encoded one after the other into one buffer that is used again and again. */
export class RecordBuffer {
  #bytes = Buffer.allocUnsafeSlow(START_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The records, as a view that is good until the next change. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  appendUpdate(update: KvUpdate): void {
    if (update.kind === "put") this.appendPut(update);
    else this.#appendDelete(update.key, update.version);
  }

  appendPut(entry: KvEntry): void {
    const { key, value, version } = entry;
    const start = this.#begin(recordBytesAtMost(key, value.length), RECORD_PUT);
    let at = this.#writeKey(start + RECORD_HEAD_BYTES, key);
    at = this.#bytes.writeUInt32LE(value.length, at);
    this.#bytes.set(value, at);
    this.#finish(start, this.#writeToken(at + value.length, version));
  }

  appendCursor(cursor: WatchCursor): void {
    const start = this.#begin(recordBytesAtMost("", 0), RECORD_CURSOR);
    this.#finish(start, this.#writeToken(start + RECORD_HEAD_BYTES, cursor));
  }

  appendRaw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Drops what came after the first `length` bytes, and memory above `keepBytes` when nothing is left. */
  truncate(length: number, keepBytes = Infinity): void {
    this.#length = length;
    if (length === 0 && this.#bytes.length > keepBytes) {
      this.#bytes = Buffer.allocUnsafeSlow(START_BYTES);
    }
  }

  #appendDelete(key: string, version: VersionToken): void {
    const start = this.#begin(recordBytesAtMost(key, 0), RECORD_DELETE);
    const at = this.#writeKey(start + RECORD_HEAD_BYTES, key);
    this.#finish(start, this.#writeToken(at, version));
  }

  #begin(bytesAtMost: number, type: number): number {
    this.#reserve(bytesAtMost);
    this.#bytes[this.#length + 4] = type;
    return this.#length;
  }

  #finish(start: number, end: number): void {
    this.#bytes.writeUInt32LE(crc32(this.#bytes, start + 4, end), start);
    this.#length = end;
  }

  #writeKey(at: number, key: string): number {
    const keyBytes = this.#bytes.write(key, at + 2);
    this.#bytes.writeUInt16LE(keyBytes, at);
    return at + 2 + keyBytes;
  }

  #writeToken(at: number, token: VersionToken | WatchCursor): number {
    this.#bytes[at] = token.length;
    return at + 1 + token.copyTo(this.#bytes, at + 1);
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.view());
    this.#bytes = larger;
  }
}

/** An upper bound that needs no pass over the key. */
export function recordBytesAtMost(key: string, valueBytes: number): number {
  return putRecordBytes(key.length * UTF8_BYTES_PER_UNIT_MAX, valueBytes, TOKEN_BYTES_MAX);
}
