import { InvalidFormatError } from "../errors/index.js";
import type { FileHandle } from "../platform/index.js";
import { requireTornTail, type Damage } from "./damage.js";
import {
  FORMAT_VERSION,
  HEADER,
  HEADER_BYTES,
  MAGIC,
  RECORD_CURSOR,
  RECORD_PUT,
} from "./v2/format.js";
import {
  checksumHolds,
  frameRecord,
  keyOf,
  RecordFrame,
  type FrameResult,
} from "./v2/record-frame.js";

/** What a scan hands on, record by record. `bytes` is reused: what is kept must be copied. */
export interface RecordVisitor {
  put(key: string, bytes: Buffer, frame: RecordFrame): void;
  remove(key: string, bytes: Buffer, frame: RecordFrame): void;
  cursor(bytes: Buffer, frame: RecordFrame): void;
}

export interface ScanResult {
  /** Bytes from the start of the file to the end of the last good record. 0: the header itself is torn. */
  readonly goodBytes: number;
  /** Bytes after that: a torn tail, which is dropped. */
  readonly tornBytes: number;
  /** Good records, cursors included. */
  readonly records: number;
}

/** Some thousand short records: what is read between two turns of the event loop takes a few milliseconds. */
const CHUNK_BYTES = 256 * 1024;
const FOREIGN_HINT = "Is this a Millpond snapshot? If it was one, keep a copy and remove it.";
const TORN_HEADER_HINT =
  "A crash may have cut it short when it was made: opening it for writing makes it whole.";

/**
 * Reads the log from its start, a chunk at a time, giving way to other work between chunks; it holds one chunk and one
 * record at most. Throws `corrupted` and `invalid-format` with the offset. A header that is cut short is
 * `invalid-format` too, unless `allowTornHeader`. What is appended meanwhile is not looked at.
 */
export async function scanLog(
  handle: FileHandle,
  path: string,
  visitor: RecordVisitor,
  allowTornHeader = false,
): Promise<ScanResult> {
  const { size } = await handle.stat();
  const scan = new LogScan(handle, path, size, visitor);
  return await scan.run(allowTornHeader);
}

class LogScan {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #visitor: RecordVisitor;
  readonly #frame = new RecordFrame();
  /** The file's size; less once a read has come back short. */
  #size: number;
  #chunk = Buffer.allocUnsafeSlow(0);
  /** Where in the file the chunk starts, and how much of it is filled. */
  #chunkStart = 0;
  #filled = 0;
  /** The next record, in bytes from the chunk's start. */
  #at = 0;
  #records = 0;

  constructor(handle: FileHandle, path: string, size: number, visitor: RecordVisitor) {
    this.#handle = handle;
    this.#path = path;
    this.#size = size;
    this.#visitor = visitor;
  }

  async run(allowTornHeader: boolean): Promise<ScanResult> {
    if (!(await this.#readHeader(allowTornHeader))) return this.#result(0);
    while (this.#position < this.#size) {
      const found = frameRecord(this.#chunk, this.#at, this.#filled, this.#frame);
      if (found === "incomplete" && (await this.#readMore(this.#frame.end))) continue;
      const damage = this.#takeRecord(found);
      if (damage === undefined) continue;
      await requireTornTail(this.#handle, this.#path, this.#size, damage);
      break;
    }
    return this.#result(this.#position);
  }

  get #position(): number {
    return this.#chunkStart + this.#at;
  }

  #result(goodBytes: number): ScanResult {
    return { goodBytes, tornBytes: this.#size - goodBytes, records: this.#records };
  }

  /** False where the header is torn (and may be). */
  async #readHeader(allowTorn: boolean): Promise<boolean> {
    await this.#readMore(Math.min(HEADER_BYTES, this.#size));
    if (this.#filled < HEADER_BYTES) {
      const torn = this.#chunk.subarray(0, this.#filled);
      const isBeginning = torn.every((byte, index) => byte === HEADER[index] || byte === 0);
      if (allowTorn && isBeginning) return false;
      throw this.#invalid(
        "the file is too short for a header",
        0,
        isBeginning ? TORN_HEADER_HINT : FOREIGN_HINT,
      );
    }
    if (this.#chunk.toString("latin1", 0, MAGIC.length) !== MAGIC) {
      throw this.#invalid(`this is no snapshot log (bad magic, "${MAGIC}" is missing)`, 0);
    }
    const version = this.#chunk.readUInt16LE(MAGIC.length);
    if (version !== FORMAT_VERSION) {
      throw this.#invalid(`unsupported format version ${version}`, MAGIC.length);
    }
    this.#at = HEADER_BYTES;
    return true;
  }

  /** Passes a good record on and steps over it; or says what is wrong with it. */
  #takeRecord(found: FrameResult): Damage | undefined {
    const offset = this.#position;
    if (found === "incomplete") return { offset, kind: "runs-past-end" };
    if (found === "token-too-long") {
      throw this.#invalid("a version or cursor of more than 10 bytes", offset);
    }
    if (found !== "whole") return { offset, kind: found };
    if (!checksumHolds(this.#chunk, this.#frame)) {
      return { offset, kind: "checksum", claimedEnd: this.#chunkStart + this.#frame.end };
    }
    this.#visit(offset);
    this.#records += 1;
    this.#at = this.#frame.end;
    return undefined;
  }

  #visit(offset: number): void {
    if (this.#frame.type === RECORD_CURSOR) {
      this.#visitor.cursor(this.#chunk, this.#frame);
      return;
    }
    const key = keyOf(this.#chunk, this.#frame);
    if (key === undefined) throw this.#invalid("a key that is not UTF-8", offset);
    if (this.#frame.type === RECORD_PUT) this.#visitor.put(key, this.#chunk, this.#frame);
    else this.#visitor.remove(key, this.#chunk, this.#frame);
  }

  /** Makes the chunk reach to `needed` (bytes from its present start) or further. False: the file ends before that. */
  async #readMore(needed: number): Promise<boolean> {
    if (this.#chunkStart + needed > this.#size) return false;
    const kept = this.#filled - this.#at;
    const left = this.#size - this.#chunkStart - this.#at;
    const wanted = Math.max(needed - this.#at, Math.min(CHUNK_BYTES, left));
    const next = this.#chunk.length === wanted ? this.#chunk : Buffer.allocUnsafeSlow(wanted);
    this.#chunk.copy(next, 0, this.#at, this.#filled);
    this.#chunk = next;
    this.#chunkStart += this.#at;
    this.#at = 0;
    const end = Math.min(next.length, this.#size - this.#chunkStart);
    const filled = await this.#handle.read(next.subarray(kept, end), this.#chunkStart + kept);
    this.#filled = kept + filled;
    // Cut short by its writer since: what is gone is no damage.
    if (this.#filled < end) this.#size = this.#chunkStart + this.#filled;
    return true;
  }

  #invalid(what: string, offset: number, hint = FOREIGN_HINT): InvalidFormatError {
    return new InvalidFormatError(
      `${this.#path}: ${what} at byte ${offset}`,
      { path: this.#path, offset },
      { hint },
    );
  }
}
