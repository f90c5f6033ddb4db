import { laterCursor } from "../rules/index.js";
import { type KvUpdate, WatchCursor } from "../values/index.js";
import type { FlushBatch } from "./batcher.js";
import type { WatchEvent } from "./events.js";
import type { StoreWriter } from "./store-writer.js";

export interface FlusherOptions<U> {
  readonly apply: (batch: readonly U[]) => void | Promise<void>;
  readonly writer: StoreWriter;
  readonly emit: (event: WatchEvent) => void;
}

/**
 * One batch at a time, in this order: apply to completion; then the position moves; then the store takes the raw updates
 * and the position as one; then the position is reported. A throw from `apply` passes through, with nothing moved.
 */
export class Flusher<U> {
  readonly #options: FlusherOptions<U>;
  #received = 0;
  #caughtUp = false;

  constructor(options: FlusherOptions<U>) {
    this.#options = options;
  }

  /** A new watch begins: it has yet to catch up. */
  beginWatch(): void {
    this.#caughtUp = false;
  }

  async flush(batch: FlushBatch<U>, kind: "delivered" | "repair"): Promise<void> {
    const { apply, writer, emit } = this.#options;
    if (batch.parsed.length > 0) await apply(batch.parsed);
    const position = positionAfter(writer.position, batch);
    if (batch.raw.length > 0 || !position.equals(writer.position)) {
      await writer.submit(batch.raw, position);
    }
    if (kind === "repair") return;
    this.#received += batch.raw.length;
    const first = batch.caughtUp && !this.#caughtUp;
    this.#caughtUp ||= batch.caughtUp;
    emit({
      type: "progress",
      received: this.#received,
      pending: batch.pending,
      caughtUp: this.#caughtUp,
      cursor: position,
    });
    if (first) emit({ type: "caught-up", cursor: position });
  }
}

/** The highest of where we were, the versions received (also of what `parse` turned down) and the source's bookmark. */
function positionAfter(before: WatchCursor, batch: FlushBatch<unknown>): WatchCursor {
  const received = batch.raw.reduce(
    (latest: WatchCursor, { version }: KvUpdate) =>
      version.isUnknown ? latest : laterCursor(latest, WatchCursor.fromVersion(version)),
    before,
  );
  return laterCursor(received, batch.bookmark);
}
