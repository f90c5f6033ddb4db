import type { FileHandle } from "../../platform/index.js";
import type { KvEntry, LogPosition } from "../../values/index.js";
import { checkEntry } from "../check-record.js";
import type { BatchEncoder, FilePlace, LogCodec } from "../codec.js";
import { lineageFrame, parseRecords } from "../v3/index.js";

/** Whole put records in v3's encoding, as the kernel dumps them. */
export interface RecordSlice {
  readonly records: Uint8Array;
  readonly count: number;
}

/** What a compact log is made of. */
export interface CompactContent {
  /** Ascending by the UTF-8 bytes of the key, each key once. */
  readonly live: Iterable<KvEntry | RecordSlice> | AsyncIterable<KvEntry | RecordSlice>;
  /** What the live entries include at least. Its origin is the one in force. */
  readonly position: LogPosition;
}

/** An empty file to write a compact log into. */
export interface DumpTarget {
  readonly handle: FileHandle;
  readonly codec: LogCodec;
  readonly salt: Uint8Array;
  /** The place in the old file from where its frames follow the dump, where that is of format v3 too. */
  readonly ancestor: FilePlace | undefined;
  /** Ends the dump with its reason. */
  readonly signal: AbortSignal;
}

/** From this size on what was added is written, off the main thread and as one frame: twice as much at most, or one large record more. */
const SLICE_BYTES = 256 * 1024;

/** Writes the header, the lineage, the live entries and the position; returns where that ends. Gives way in between. */
export async function writeDump(
  target: DumpTarget,
  { live, position }: CompactContent,
): Promise<number> {
  const dump = new Dump(target);
  await dump.begin();
  if (Symbol.asyncIterator in live) {
    for await (const item of live) if (dump.add(item)) await dump.writeSlice();
  } else {
    for (const item of live) if (dump.add(item)) await dump.writeSlice();
  }
  return await dump.finish(position);
}

class Dump {
  readonly #target: DumpTarget;
  readonly #batch: BatchEncoder;
  #end = 0;

  constructor(target: DumpTarget) {
    this.#target = target;
    this.#batch = target.codec.encoder();
  }

  async begin(): Promise<void> {
    const { codec, salt } = this.#target;
    await this.#write(codec.header(salt));
    // Where the dump ends is filled in when it is known.
    const lineage = this.#lineage();
    if (lineage !== undefined) await this.#write(lineage);
  }

  /** True: it is time to write what was added. */
  add(item: KvEntry | RecordSlice): boolean {
    if ("records" in item) {
      this.#addRecords(item);
    } else {
      checkEntry(item);
      this.#batch.addPut(item);
    }
    return this.#batch.length >= SLICE_BYTES;
  }

  #addRecords({ records, count }: RecordSlice): void {
    if (this.#batch.format === 3) this.#batch.addRecords(records, count);
    else for (const update of parseRecords(Buffer.from(records), count)) this.#batch.add(update);
  }

  async writeSlice(position?: LogPosition): Promise<void> {
    this.#batch.end(position);
    await this.#write(this.#batch.stamp({ offset: this.#end, salt: this.#target.salt }));
    this.#batch.clear();
  }

  async finish(position: LogPosition): Promise<number> {
    const says = !position.cursor.isNone || position.origin !== undefined;
    if (says) await this.writeSlice(position);
    else if (this.#batch.length > 0) await this.writeSlice();
    const lineage = this.#lineage();
    const { handle, codec } = this.#target;
    if (lineage !== undefined) await handle.write(lineage, codec.headerBytes);
    return this.#end;
  }

  #lineage(): Uint8Array | undefined {
    const { ancestor, salt } = this.#target;
    if (ancestor === undefined) return undefined;
    const { salt: oldSalt, offset: oldOffset } = ancestor;
    return lineageFrame({ oldSalt, oldOffset, newOffset: this.#end }, salt);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    this.#target.signal.throwIfAborted();
    await this.#target.handle.write(bytes, this.#end);
    this.#end += bytes.length;
  }
}
