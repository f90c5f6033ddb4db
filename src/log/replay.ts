import type { KvUpdate, WatchCursor } from "../values/index.js";
import { cursorOf, valueOf, versionOf, type RecordFrame } from "./v2/record-frame.js";
import type { RecordVisitor } from "./scan-log.js";

/** Is handed the records of a log in order. What it gets is its own to keep. */
export interface ReplayVisitor {
  update(update: KvUpdate): void;
  cursor(cursor: WatchCursor): void;
}

/** Turns records into values for a {@link ReplayVisitor}; without one, it only lets the scan check them. */
export class Replay implements RecordVisitor {
  readonly #visitor: ReplayVisitor | undefined;

  constructor(visitor: ReplayVisitor | undefined) {
    this.#visitor = visitor;
  }

  put(key: string, bytes: Buffer, frame: RecordFrame): void {
    this.#visitor?.update({
      kind: "put",
      key,
      value: valueOf(bytes, frame),
      version: versionOf(bytes, frame),
    });
  }

  remove(key: string, bytes: Buffer, frame: RecordFrame): void {
    this.#visitor?.update({ kind: "delete", key, version: versionOf(bytes, frame) });
  }

  cursor(bytes: Buffer, frame: RecordFrame): void {
    this.#visitor?.cursor(cursorOf(bytes, frame));
  }
}
