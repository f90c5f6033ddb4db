import type { KvUpdate } from "../values/index.js";
import type { Changes, FlushBatch } from "./batcher.js";
import type { WatchEvent } from "./events.js";
import type { KnownKeys } from "./known-keys.js";
import type { Position } from "./position.js";
import type { StoreWriter } from "./store-writer.js";

export interface FlusherOptions<U> {
  readonly parse: (update: KvUpdate) => U | undefined;
  readonly apply: (batch: readonly U[]) => void | Promise<void>;
  readonly writer: StoreWriter;
  readonly known: KnownKeys;
  readonly emit: (event: WatchEvent) => void;
}

/**
 * Brings changes into the copy, one batch at a time, in this order: apply to completion; then the position moves; then the store
 * takes the raw updates and the position as one; then the position is reported. A throw from `apply` passes through, with nothing
 * moved.
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

  async commit({ raw, outcomes }: Changes<U>, position: Position): Promise<void> {
    const { apply, writer } = this.#options;
    const parsed: U[] = [];
    for (const outcome of outcomes) if (outcome !== undefined) parsed.push(outcome);
    if (parsed.length > 0) await apply(parsed);
    if (raw.length > 0 || !position.cursor.equals(writer.position.cursor)) {
      await writer.submit(raw, position);
    }
  }

  /** Changes that did not come with the flow: they move no position. */
  async inject(updates: readonly KvUpdate[]): Promise<void> {
    if (updates.length === 0) return;
    const { parse, writer, known } = this.#options;
    await this.commit({ raw: updates, outcomes: updates.map(parse) }, writer.position);
    known.note(updates);
  }

  /** Tells of a batch that has been dealt with. */
  report(batch: FlushBatch<U>, isLevel = batch.caughtUp): void {
    const { raw, pending, head, takenAt, rebuilds } = batch;
    const { writer, emit } = this.#options;
    this.#received += raw.length;
    const first = isLevel && !this.#caughtUp;
    this.#caughtUp ||= isLevel;
    const { cursor } = writer.position;
    emit({
      type: "progress",
      received: this.#received,
      pending,
      caughtUp: this.#caughtUp,
      cursor,
      ...(head === undefined ? {} : { head }),
      ...(takenAt === undefined ? {} : { takenAt: takenAt() }),
      ...(rebuilds === 0 ? {} : { rebuilds }),
    });
    if (first) emit({ type: "caught-up", cursor });
  }
}
