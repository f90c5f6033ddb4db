import { crc32 } from "node:zlib";
import { codecOf } from "../../src/log/codecs.js";
import { lineageFrame, type Lineage } from "../../src/log/v3/index.js";
import type { FileHandle } from "../../src/platform/index.js";
import type { KvUpdate, LogPosition } from "../../src/values/index.js";
import { MemoryFileSystem } from "./memory-file-system.js";
import { at } from "./updates.js";

export const SALT = Uint8Array.of(0xa1, 0xb2, 0xc3, 0xd4, 0xe5, 0xf6, 7, 8);
export const LOG_PATH = "/disk/log.snap";

/** A position at `revision`, `revision` seconds after 1970. */
export function positionAt(revision: number, origin?: string): LogPosition {
  return { cursor: at(revision), cursorTimeNs: BigInt(revision) * 1_000_000_000n, origin };
}

/** Puts a v3 log together, frame by frame. */
export class V3Log {
  readonly salt: Uint8Array;
  /** Where each frame ends; the first is the header's end. */
  readonly bounds: number[] = [];
  readonly #parts: Uint8Array[] = [];
  readonly #encoder = codecOf(3).encoder();

  constructor(salt: Uint8Array = SALT) {
    this.salt = salt;
    this.#append(codecOf(3).header(salt));
  }

  get size(): number {
    return this.bounds.at(-1) ?? 0;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  batch(updates: Iterable<KvUpdate>, position?: LogPosition): this {
    this.#encoder.clear();
    for (const update of updates) this.#encoder.add(update);
    this.#encoder.end(position);
    this.#append(this.#encoder.stamp({ offset: this.size, salt: this.salt }));
    return this;
  }

  lineage(lineage: Lineage): this {
    this.#append(lineageFrame(lineage, this.salt));
    return this;
  }

  /** Any frame at all, with checksums that hold. */
  frame(kind: number, body: Uint8Array, { flags = 0, bodyBytes = body.length } = {}): this {
    const head = Buffer.alloc(16);
    head.set([0x9d, 0xf3, kind, flags]);
    head.writeUInt32LE(bodyBytes, 4);
    head.writeUInt32LE(crc32(body), 8);
    const place = Buffer.alloc(8);
    place.writeBigUInt64LE(BigInt(this.size));
    head.writeUInt32LE(crc32(Buffer.concat([this.salt, place, head.subarray(0, 12)])), 12);
    this.#append(Buffer.concat([head, body]));
    return this;
  }

  #append(bytes: Uint8Array): void {
    this.#parts.push(Uint8Array.from(bytes));
    this.bounds.push(this.size + bytes.length);
  }
}

/** A disk in memory with these bytes at {@link LOG_PATH}. */
export async function diskWith(bytes: Uint8Array): Promise<MemoryFileSystem> {
  const fs = new MemoryFileSystem();
  const handle = await fs.open(LOG_PATH, "create");
  handle.writeSync(bytes, 0);
  await handle.close();
  return fs;
}

export async function handleOn(bytes: Uint8Array): Promise<FileHandle> {
  return await (await diskWith(bytes)).open(LOG_PATH, "write");
}
