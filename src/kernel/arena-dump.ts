import type { ArenaMemory } from "./arena-memory.js";
import { KEY_AT, RECORD_AT, RECORD_HEAD_BYTES, STAGING_AT, STAGING_BYTES } from "./kernel.js";
import { recordBytesAt } from "./write-record.js";

export interface DumpSlice {
  /** Whole put records of format v3. A view of the arena's memory: to be read before the arena is used again. */
  readonly records: Uint8Array;
  readonly count: number;
}

/**
 * The live entries, ascending by key, slice by slice, while others are applied in between: what was live from the start to
 * the end comes once, what changed meanwhile may come as it was or as it is or not at all.
 */
export class ArenaDump {
  readonly #memory: ArenaMemory;
  /** The key after which it goes on. */
  #after: Uint8Array | undefined;

  constructor(memory: ArenaMemory) {
    this.#memory = memory;
  }

  /**
   * The next slice of at most `maxBytes` (1.1 MiB at most), or one record where that alone is larger; `undefined` at the end.
   */
  next(maxBytes: number): DumpSlice | undefined {
    const { kernel, bytes } = this.#memory;
    const after = this.#after;
    if (after !== undefined) bytes.set(after, KEY_AT);
    const most = Math.min(maxBytes, STAGING_BYTES);
    const dumped = kernel.dump(after?.length ?? 0, after === undefined ? 0 : 1, STAGING_AT, most);
    const last = kernel.dumpedLast() >>> 0;
    if (last === 0) return undefined;
    const record = last + RECORD_AT;
    const keyStart = record + RECORD_HEAD_BYTES;
    this.#after = new Uint8Array(
      bytes.subarray(keyStart, keyStart + bytes.readUInt16LE(record + 2)),
    );
    const count = kernel.dumpedRecords();
    if (count > 0) return { records: bytes.subarray(STAGING_AT, STAGING_AT + dumped), count };
    const alone = bytes.subarray(record, record + recordBytesAt(bytes, record));
    return { records: alone, count: 1 };
  }
}
