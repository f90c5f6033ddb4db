import { MillpondError } from "../../errors/index.js";
import type { KvEntry, KvUpdate, LogPosition } from "../../values/index.js";
import type { BatchEncoder, LogCodec, TailCopy } from "../codec.js";
import { HEADER, HEADER_BYTES } from "./format.js";
import { RecordBuffer, recordBytesAtMost } from "./record-buffer.js";

export const v2Codec: LogCodec = {
  format: 2,
  headerBytes: HEADER_BYTES,
  batchBytesMax: Infinity,
  header: () => HEADER,
  updateBytesMax: (update) =>
    recordBytesAtMost(update.key, "value" in update ? update.value.length : 0),
  encoder: () => new V2Encoder(),
  tailCopy: () => asItIs,
};

/** Nothing in a record says where it lies. */
const asItIs: TailCopy = { take: (bytes) => bytes.length };

/** A batch is its records and then a cursor record: nothing holds them together. */
class V2Encoder implements BatchEncoder {
  readonly format = 2;
  readonly #buffer = new RecordBuffer();
  #records = 0;
  /** Length of the records; the cursor, if any, follows. */
  #recordBytes: number | undefined;

  get length(): number {
    return this.#buffer.length;
  }

  get records(): number {
    return this.#records;
  }

  get hasPosition(): boolean {
    return this.#recordBytes !== undefined && this.#buffer.length > this.#recordBytes;
  }

  add(update: KvUpdate): void {
    this.#buffer.appendUpdate(update);
    this.#records += 1;
  }

  addPut(entry: KvEntry): void {
    this.#buffer.appendPut(entry);
    this.#records += 1;
  }

  addRecords(): void {
    throw new MillpondError("invalid-argument", "records of format 3 cannot be put in a log of 2", {
      hint: "Add them one by one, as updates.",
    });
  }

  end(position: LogPosition | undefined): void {
    this.#recordBytes = this.#buffer.length;
    if (position !== undefined) this.#buffer.appendCursor(position.cursor);
  }

  reopen(): void {
    if (this.#recordBytes !== undefined) this.#buffer.truncate(this.#recordBytes);
    this.#recordBytes = undefined;
  }

  stamp(): Uint8Array {
    return this.#buffer.view();
  }

  body(): undefined {
    return undefined;
  }

  clear(keepBytes = Infinity): void {
    this.#buffer.truncate(0, keepBytes);
    this.#records = 0;
    this.#recordBytes = undefined;
  }
}
