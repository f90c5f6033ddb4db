import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { crc32 } from "node:zlib";
import type { KvPut, WatchCursor } from "../../src/values/index.js";

const HEAD_BYTES = 4 + 1 + 2 + 4 + 1;
const PUT = 1;
const CURSOR = 3;
const REWRITE_BYTES = 256 * 1024;

export interface MapEntry {
  readonly value: Uint8Array;
  readonly version: Uint8Array;
}

/**
 * What one writes by hand: a `Map`, and a log of records, each with its length and its own checksum, that is read whole at
 * the start. One write a batch, nothing synced. The records are as long as those of format v2 (280 bytes for the bench's).
 */
export class MapLog {
  readonly entries = new Map<string, MapEntry>();
  readonly #path: string;
  #fd: number;
  #end = 0;
  #buffer = Buffer.allocUnsafeSlow(64 * 1024);
  #length = 0;

  /** Reads what is there; a tail that does not check is cut off. */
  constructor(path: string) {
    this.#path = path;
    this.#fd = openSync(path, "a+");
    closeSync(this.#fd);
    this.#fd = openSync(path, "r+");
    this.#load(readFileSync(path));
    ftruncateSync(this.#fd, this.#end);
  }

  apply(updates: readonly KvPut[], cursor: WatchCursor): void {
    for (const { key, value, version } of updates) {
      const entry = { value: Uint8Array.from(value), version: version.toBytes() };
      this.#encode(PUT, key, entry.value, entry.version);
      this.entries.set(key, entry);
    }
    this.#encode(CURSOR, "", new Uint8Array(0), cursor.toBytes());
    this.#writeOut();
  }

  /** Rewrites the log with the live entries only; nothing else happens meanwhile. */
  compact(): void {
    const fresh = `${this.#path}.new`;
    const old = this.#fd;
    this.#fd = openSync(fresh, "w+");
    this.#end = 0;
    for (const [key, { value, version }] of this.entries) {
      this.#encode(PUT, key, value, version);
      if (this.#length > REWRITE_BYTES) this.#writeOut();
    }
    this.#writeOut();
    fsyncSync(this.#fd);
    renameSync(fresh, this.#path);
    closeSync(old);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #encode(kind: number, key: string, value: Uint8Array, version: Uint8Array): void {
    const most = HEAD_BYTES + key.length * 3 + value.length + version.length;
    if (this.#length + most > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#length + most, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    const start = this.#length;
    const keyAt = start + HEAD_BYTES;
    const keyBytes = this.#buffer.write(key, keyAt, "utf8");
    this.#buffer[start + 4] = kind;
    this.#buffer.writeUInt16LE(keyBytes, start + 5);
    this.#buffer.writeUInt32LE(value.length, start + 7);
    this.#buffer[start + 11] = version.length;
    this.#buffer.set(value, keyAt + keyBytes);
    this.#buffer.set(version, keyAt + keyBytes + value.length);
    this.#length = keyAt + keyBytes + value.length + version.length;
    const checked = this.#buffer.subarray(start + 4, this.#length);
    this.#buffer.writeUInt32LE(crc32(checked), start);
  }

  #writeOut(): void {
    writeSync(this.#fd, this.#buffer, 0, this.#length, this.#end);
    this.#end += this.#length;
    this.#length = 0;
  }

  #load(bytes: Buffer): void {
    while (this.#end + HEAD_BYTES <= bytes.length) {
      const start = this.#end;
      const keyAt = start + HEAD_BYTES;
      const valueAt = keyAt + bytes.readUInt16LE(start + 5);
      const versionAt = valueAt + bytes.readUInt32LE(start + 7);
      const end = versionAt + (bytes[start + 11] as number);
      if (end > bytes.length) return;
      if (crc32(bytes.subarray(start + 4, end)) !== bytes.readUInt32LE(start)) return;
      this.#end = end;
      if (bytes[start + 4] !== PUT) continue;
      this.entries.set(bytes.toString("utf8", keyAt, valueAt), {
        value: new Uint8Array(bytes.subarray(valueAt, versionAt)),
        version: new Uint8Array(bytes.subarray(versionAt, end)),
      });
    }
  }
}
