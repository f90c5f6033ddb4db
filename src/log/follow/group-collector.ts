import type { KvUpdate, LogPosition } from "../../values/index.js";
import type { BatchEncoder } from "../codec.js";
import { parseBatchHead } from "../v3/batch.js";
import { v3Codec } from "../v3/index.js";
import type { LogVisitor } from "../visitor.js";

/**
 * Collects what comes until the position that ends it, and hands it on as the body of one batch, so that all of it is taken or
 * nothing. What no position has come for yet may still be taken back by its writer. More than one frame can have is not
 * held here.
 */
export class GroupCollector implements LogVisitor {
  readonly #take: (body: Uint8Array) => void;
  #made: BatchEncoder | undefined;
  #isTooMuch = false;
  #hasMissed = false;

  /** `take`: is handed a batch with a position. It throws where it does not take it, and then has taken nothing of it. */
  constructor(take: (body: Uint8Array) => void) {
    this.#take = take;
  }

  /** A position came after more than is held here: neither it nor anything since was handed on. */
  get hasMissed(): boolean {
    return this.#hasMissed;
  }

  /** Format 2. */
  update(update: KvUpdate): void {
    if (this.#hasRoomFor(v3Codec.updateBytesMax(update))) this.#encoder.add(update);
  }

  position(position: LogPosition): void {
    this.#hasMissed ||= this.#isTooMuch;
    if (this.#hasMissed) return;
    this.#encoder.end(position);
    try {
      this.#take(this.#encoder.body() as Uint8Array);
    } finally {
      this.#encoder.clear();
    }
  }

  /** Format 3. */
  batch(body: Uint8Array): void {
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
    const { position, recordsAt, records } = parseBatchHead(bytes);
    const isAlone = !this.#isTooMuch && (this.#made?.length ?? 0) === 0;
    if (position !== undefined && isAlone) {
      if (!this.#hasMissed) this.#take(body);
      return;
    }
    const more = bytes.subarray(recordsAt);
    if (this.#hasRoomFor(more.length)) this.#encoder.addRecords(more, records);
    if (position !== undefined) this.position(position);
  }

  get #encoder(): BatchEncoder {
    this.#made ??= v3Codec.encoder();
    return this.#made;
  }

  #hasRoomFor(bytes: number): boolean {
    this.#isTooMuch ||= this.#encoder.length + bytes > v3Codec.batchBytesMax;
    if (this.#isTooMuch) this.#encoder.clear(0);
    return !this.#isTooMuch;
  }
}
