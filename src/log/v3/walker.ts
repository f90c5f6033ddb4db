import { InvalidFormatError } from "../../errors/index.js";
import type { FileHandle } from "../../platform/index.js";
import type { DumpExtent } from "../dump-extent.js";
import type { FrameWalker } from "../frame-walker.js";
import { FOREIGN_HINT, NEWER_HINT } from "../header.js";
import type { LogVisitor } from "../visitor.js";
import { parseBatch } from "./batch.js";
import { requireTornTail } from "./damage.js";
import {
  BATCH_HAS_POSITION,
  FRAME_BODY_BYTES_MAX,
  HEAD_BYTES,
  KIND_BATCH,
  KIND_LINEAGE,
  KIND_OPTIONAL,
} from "./format.js";
import { bodyBytesOf, bodyHolds, HeadSeal, readU32 } from "./head.js";
import { LINEAGE_AT, lineageOf, type Lineage } from "./lineage.js";

export class V3Walker implements FrameWalker {
  records = 0;
  frames = 0;
  lastPosition: number | undefined;
  at = 0;
  lineage: Lineage | undefined;
  readonly #path: string;
  readonly #salt: Uint8Array;
  readonly #seal: HeadSeal;
  readonly #visitor: LogVisitor;
  readonly #dump: DumpExtent | undefined;
  #origin: string | undefined;

  constructor(path: string, salt: Uint8Array, visitor: LogVisitor, dump?: DumpExtent) {
    this.#path = path;
    this.#salt = salt;
    this.#seal = new HeadSeal(salt);
    this.#visitor = visitor;
    this.#dump = dump;
  }

  take(chunk: Buffer, at: number, end: number, start: number): number | undefined {
    this.at = at;
    for (;;) {
      if (this.#visitor.walk !== undefined) this.#walk(chunk, end, start);
      const head = this.at;
      if (end - head < HEAD_BYTES) return HEAD_BYTES;
      const offset = start + head;
      if (!this.#seal.holds(chunk, head, offset)) return undefined;
      const bodyBytes = bodyBytesOf(chunk, head);
      const kind = chunk[head + 2] as number;
      this.#checkHead(kind, chunk[head + 3] as number, bodyBytes, offset);
      if (end - head < HEAD_BYTES + bodyBytes) return HEAD_BYTES + bodyBytes;
      if (!bodyHolds(chunk, head)) return undefined;
      this.#takeFrame(
        kind,
        chunk.subarray(head + HEAD_BYTES, head + HEAD_BYTES + bodyBytes),
        offset,
      );
      this.#countBatches(chunk, head + HEAD_BYTES + bodyBytes, start);
    }
  }

  async requireTornTail(handle: FileHandle, offset: number, size: number): Promise<void> {
    await requireTornTail(handle, this.#path, size, offset, this.#salt);
  }

  /** Offers the batch frames that seem to come next to the visitor: those that do not hold it leaves. */
  #walk(chunk: Buffer, end: number, start: number): void {
    let stop = this.at;
    while (end - stop >= HEAD_BYTES && chunk[stop + 2] === KIND_BATCH) {
      const next = stop + HEAD_BYTES + bodyBytesOf(chunk, stop);
      if (next > end) break;
      stop = next;
    }
    if (stop === this.at) return;
    const offered = chunk.subarray(this.at, stop);
    const took = this.#visitor.walk?.(offered, start + this.at, this.#salt) ?? 0;
    this.#countBatches(chunk, this.at + took, start);
  }

  /** Steps over the frames up to `end`, which are good. */
  #countBatches(chunk: Buffer, end: number, start: number): void {
    while (this.at < end) {
      const body = this.at + HEAD_BYTES;
      const isBatch = chunk[this.at + 2] === KIND_BATCH;
      this.at = body + bodyBytesOf(chunk, this.at);
      this.frames += 1;
      if (!isBatch) continue;
      this.records += readU32(chunk, body + 4);
      if (((chunk[body] as number) & BATCH_HAS_POSITION) !== 0) this.lastPosition = start + this.at;
    }
  }

  #checkHead(kind: number, flags: number, bodyBytes: number, offset: number): void {
    if (bodyBytes > FRAME_BODY_BYTES_MAX) {
      throw this.#invalid("a frame of more than 64 MiB", offset, FOREIGN_HINT);
    }
    if (flags !== 0) throw this.#invalid("unknown flags of a frame", offset, NEWER_HINT);
    if (kind !== KIND_BATCH && (kind & KIND_OPTIONAL) === 0) {
      throw this.#invalid(`a frame of the unknown kind ${kind}`, offset, NEWER_HINT);
    }
  }

  #takeFrame(kind: number, body: Buffer, offset: number): void {
    if (kind === KIND_LINEAGE && offset === LINEAGE_AT) this.lineage = lineageOf(body);
    if (kind !== KIND_BATCH) return;
    try {
      if (this.#visitor.batch === undefined) this.#takeBatch(body, offset);
      else this.#visitor.batch(body);
    } catch (error) {
      if (!(error instanceof InvalidFormatError) || error.offset !== undefined) throw error;
      throw this.#invalid(error.message, offset, FOREIGN_HINT);
    }
  }

  #takeBatch(body: Buffer, offset: number): void {
    const visitor = this.#visitor;
    const { updates, position } = parseBatch(body, visitor.withoutValues === true);
    for (const update of updates) visitor.update(update);
    this.#dump?.take(updates, position !== undefined, offset + HEAD_BYTES + body.length);
    if (position === undefined) return;
    this.#origin = position.origin ?? this.#origin;
    visitor.position({ ...position, origin: this.#origin });
  }

  #invalid(what: string, offset: number, hint: string): InvalidFormatError {
    return new InvalidFormatError(
      `${this.#path}: ${what} at byte ${offset}`,
      { path: this.#path, offset },
      { hint },
    );
  }
}
