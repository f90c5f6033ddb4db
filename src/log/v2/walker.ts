import { InvalidFormatError } from "../../errors/index.js";
import type { FileHandle } from "../../platform/index.js";
import type { KvUpdate } from "../../values/index.js";
import type { DumpExtent } from "../dump-extent.js";
import type { FrameWalker } from "../frame-walker.js";
import { FOREIGN_HINT } from "../header.js";
import type { LogVisitor } from "../visitor.js";
import { requireTornTail, type Damage } from "./damage.js";
import { RECORD_CURSOR, RECORD_PUT } from "./format.js";
import {
  checksumHolds,
  cursorOf,
  frameRecord,
  keyOf,
  RecordFrame,
  valueOf,
  versionOf,
} from "./record-frame.js";

const NO_VALUE = new Uint8Array(0);

export class V2Walker implements FrameWalker {
  records = 0;
  lastPosition: number | undefined;
  at = 0;
  readonly #path: string;
  readonly #visitor: LogVisitor;
  readonly #dump: DumpExtent | undefined;
  readonly #frame = new RecordFrame();
  #damage: Damage | undefined;

  constructor(path: string, visitor: LogVisitor, dump?: DumpExtent) {
    this.#path = path;
    this.#visitor = visitor;
    this.#dump = dump;
  }

  get frames(): number {
    return this.records;
  }

  take(chunk: Buffer, at: number, end: number, start: number): number | undefined {
    this.at = at;
    this.#damage = undefined;
    for (;;) {
      const offset = start + this.at;
      const found = frameRecord(chunk, this.at, end, this.#frame);
      if (found === "incomplete") return this.#frame.end - this.at;
      if (found === "token-too-long") {
        throw this.#invalid("a version or cursor of more than 10 bytes", offset);
      }
      if (found !== "whole") return this.#isDamage({ offset, kind: found });
      if (!checksumHolds(chunk, this.#frame)) {
        return this.#isDamage({ offset, kind: "checksum", claimedEnd: start + this.#frame.end });
      }
      this.#visit(chunk, offset, start + this.#frame.end);
      this.records += 1;
      this.at = this.#frame.end;
      if (this.#frame.type === RECORD_CURSOR) this.lastPosition = start + this.at;
    }
  }

  async requireTornTail(handle: FileHandle, offset: number, size: number): Promise<void> {
    const damage = this.#damage ?? { offset, kind: "runs-past-end" };
    await requireTornTail(handle, this.#path, size, damage);
  }

  #isDamage(damage: Damage): undefined {
    this.#damage = damage;
  }

  #visit(chunk: Buffer, offset: number, end: number): void {
    const frame = this.#frame;
    if (frame.type === RECORD_CURSOR) {
      this.#visitor.position({
        cursor: cursorOf(chunk, frame),
        cursorTimeNs: 0n,
        origin: undefined,
      });
      this.#dump?.take([], true, end);
      return;
    }
    const update = this.#updateIn(chunk, offset);
    this.#visitor.update(update);
    this.#dump?.take([update], false, end);
  }

  #updateIn(chunk: Buffer, offset: number): KvUpdate {
    const frame = this.#frame;
    const key = keyOf(chunk, frame);
    if (key === undefined) throw this.#invalid("a key that is not UTF-8", offset);
    const version = versionOf(chunk, frame);
    if (frame.type !== RECORD_PUT) return { kind: "delete", key, version };
    const value = this.#visitor.withoutValues === true ? NO_VALUE : valueOf(chunk, frame);
    return { kind: "put", key, value, version };
  }

  #invalid(what: string, offset: number): InvalidFormatError {
    return new InvalidFormatError(
      `${this.#path}: ${what} at byte ${offset}`,
      { path: this.#path, offset },
      { hint: FOREIGN_HINT },
    );
  }
}
