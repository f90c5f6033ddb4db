import { type BatchEncoder, type LogAppender, v3Codec } from "../log/index.js";
import type { KvUpdate, LogPosition } from "../values/index.js";

/** Memory that is kept from one batch to the next. */
const KEPT_BYTES = 1024 * 1024;

/** Encodes a batch for the log and for memory, once where both take the same format. */
export class StoreEncoder {
  readonly #log: LogAppender;
  #forLog: BatchEncoder;
  /** The log's own where its format is the memory's. */
  #forMemory: BatchEncoder;

  constructor(log: LogAppender) {
    this.#log = log;
    this.#forLog = log.encoder();
    this.#forMemory = this.#forLog.format === 3 ? this.#forLog : v3Codec.encoder();
  }

  /** What the log is to take, once ended. */
  get batch(): BatchEncoder {
    return this.#forLog;
  }

  /** What memory is to take, once ended. */
  get body(): Uint8Array {
    return this.#forMemory.body() as Uint8Array;
  }

  /** Before each batch: a compaction may have converted the log. */
  begin(): void {
    if (this.#forLog.format === this.#log.format) return;
    this.#forLog = this.#log.encoder();
    this.#forMemory = this.#forLog.format === 3 ? this.#forLog : v3Codec.encoder();
  }

  /** Whether the update still belongs into this frame. */
  fits(update: KvUpdate): boolean {
    return this.#forMemory.length + v3Codec.updateBytesMax(update) <= v3Codec.batchBytesMax;
  }

  add(update: KvUpdate): void {
    this.#forLog.add(update);
    if (this.#forMemory !== this.#forLog) this.#forMemory.add(update);
  }

  end(position: LogPosition | undefined): void {
    this.#forLog.end(position);
    if (this.#forMemory !== this.#forLog) this.#forMemory.end(position);
  }

  clear(): void {
    this.#forLog.clear(KEPT_BYTES);
    this.#forMemory.clear(KEPT_BYTES);
  }
}
