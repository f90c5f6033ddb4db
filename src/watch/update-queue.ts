import type { WatchBatch } from "../kv/index.js";
import type { KvUpdate } from "../values/index.js";
import { Wakeup } from "./wakeup.js";

/** Takes updates out of the queue, and the positions between them. */
export interface UpdateSink {
  readonly isFull: boolean;
  add(update: KvUpdate): void;
  /** All updates of `batch`, and what came before them, have been added. The source gave it at `takenAt`. */
  mark(batch: WatchBatch, takenAt: () => number): void;
}

/** `open`: more may come. `ended`: no more comes, what is queued counts. `stopped`: what was queued is gone. */
type QueueState = "open" | "ended" | "stopped";

interface Taken {
  readonly batch: WatchBatch;
  /** When the source gave it, or the last that is folded into it, by our clock ({@link momentOf}). */
  readonly takenAt: () => number;
}

/** Bytes of key and value, about. */
export function sizeOf(update: KvUpdate): number {
  return update.key.length + (update.kind === "put" ? update.value.length : 0);
}

/**
 * What the source has delivered and no batch has taken yet. Bounded by who fills it: {@link UpdateQueue.room} tells when; one
 * batch of the source's more than `capacity` updates and `maxBytes` may be in it. Batches without updates are folded into the one before them, so that they need no bound of their own.
 */
export class UpdateQueue {
  readonly #capacity: number;
  readonly #maxBytes: number;
  readonly #batches: Taken[] = [];
  readonly #room = new Wakeup();
  readonly #changed = new Wakeup();
  #state: QueueState = "open";
  /** How many updates of the first batch have been taken. */
  #taken = 0;
  #size = 0;
  #bytes = 0;
  #atSource = 0;

  constructor(capacity: number, maxBytes: number) {
    this.#capacity = capacity;
    this.#maxBytes = maxBytes;
  }

  /** Updates known to come: those that wait here, and those that the source last said it has. */
  get pending(): number {
    return this.#size + this.#atSource;
  }

  /** Whether nothing is left and nothing will come. */
  get isOver(): boolean {
    return this.#state === "stopped" || (this.#state === "ended" && this.#batches.length === 0);
  }

  push(batch: WatchBatch, takenAt: () => number): void {
    if (this.#state !== "open") return;
    this.#atSource = batch.pending;
    const last = this.#batches.at(-1);
    if (last !== undefined && batch.updates.length === 0) {
      this.#batches[this.#batches.length - 1] = { batch: folded(last.batch, batch), takenAt };
    } else {
      this.#batches.push({ batch, takenAt });
      this.#size += batch.updates.length;
      for (const update of batch.updates) this.#bytes += sizeOf(update);
    }
    this.#changed.wake();
  }

  /** Resolves with true once the source may be asked for more, with false once nothing more is wanted. */
  async room(): Promise<boolean> {
    while (this.#state === "open" && this.#isFull) await this.#room.wait();
    return this.#state === "open";
  }

  get #isFull(): boolean {
    return this.#size >= this.#capacity || this.#bytes >= this.#maxBytes;
  }

  /** No more comes; what is queued is still to be taken. */
  end(): void {
    if (this.#state === "open") this.#state = "ended";
    this.#changed.wake();
  }

  /** Drops what is queued. */
  stop(): void {
    this.#state = "stopped";
    this.#batches.length = 0;
    this.#size = 0;
    this.#bytes = 0;
    this.#room.wake();
    this.#changed.wake();
  }

  /** Hands over updates and marks, in order, until the sink is full or nothing is left. */
  drainInto(sink: UpdateSink): void {
    for (let head = this.#batches[0]; head !== undefined; head = this.#batches[0]) {
      const { batch, takenAt } = head;
      while (this.#taken < batch.updates.length) {
        if (sink.isFull) {
          this.#room.wake();
          return;
        }
        const update = batch.updates[this.#taken] as KvUpdate;
        this.#taken += 1;
        this.#size -= 1;
        this.#bytes -= sizeOf(update);
        sink.add(update);
      }
      this.#batches.shift();
      this.#taken = 0;
      sink.mark(batch, takenAt);
      this.#room.wake();
    }
  }

  /** Resolves when something was pushed, the queue ended or {@link UpdateQueue.wake} was called since the last wait. */
  changed(): Promise<void> {
    return this.#changed.wait();
  }

  wake(): void {
    this.#changed.wake();
  }
}

/** A batch, and one without updates after it, as one. What the later one does not say stands. */
function folded(first: WatchBatch, empty: WatchBatch): WatchBatch {
  const { cursorTimeNs, head, floor, ...rest } = first;
  const time = empty.cursor.equals(first.cursor) && cursorTimeNs !== undefined;
  return {
    ...rest,
    ...(time ? { cursorTimeNs } : {}),
    ...(head === undefined ? {} : { head }),
    ...(floor === undefined ? {} : { floor }),
    ...empty,
    updates: first.updates,
  };
}
