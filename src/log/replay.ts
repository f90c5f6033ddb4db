import type { KvUpdate, LogPosition, WatchCursor } from "../values/index.js";
import type { LogVisitor } from "./visitor.js";

/** Is handed the records of a log in order. What it gets is its own to keep. */
export interface ReplayVisitor {
  update(update: KvUpdate): void;
  cursor(cursor: WatchCursor): void;
  /** Comes after `cursor`, with what else the log says about the position. */
  position?(position: LogPosition): void;
}

/** Hands on to a {@link ReplayVisitor}; without one, it only lets the scan check the log. */
export class Replay implements LogVisitor {
  readonly withoutValues: boolean;
  readonly #visitor: ReplayVisitor | undefined;

  constructor(visitor: ReplayVisitor | undefined) {
    this.#visitor = visitor;
    this.withoutValues = visitor === undefined;
  }

  update(update: KvUpdate): void {
    this.#visitor?.update(update);
  }

  position(position: LogPosition): void {
    this.#visitor?.cursor(position.cursor);
    this.#visitor?.position?.(position);
  }
}
