import type { KvWatch, WatchBatch } from "../../kv/index.js";
import { WatchCursor } from "../../values/index.js";
import { type LinkState, MEND_MS, notConnected } from "./link-state.js";

/** Something that the other end has sent. */
type Arrival = {
  /** When it was sent. */
  readonly sentAt: number;
  /** When it comes through at the earliest. */
  readonly dueAt: number;
  /** What the line was then. */
  readonly epoch: number;
} & (
  | { readonly kind: "batch"; readonly batch: WatchBatch }
  | { readonly kind: "end" }
  | { readonly kind: "error"; readonly error: unknown }
);

/** What was said without updates while words were held back, to be told with the next. */
type Held = Pick<WatchBatch, "floor">;

/** A watch at the other end of a line. See `SimulatedLink` for what the line may do to it. */
export class LinkWatch implements KvWatch {
  readonly #link: LinkState;
  readonly #inner: KvWatch;
  readonly #source: AsyncIterator<WatchBatch>;
  readonly #signal: AbortSignal | undefined;
  readonly #iterator: AsyncGenerator<WatchBatch, void>;
  readonly #failuresBefore: number;
  readonly #restoresBefore: number;
  readonly #onAbort = (): void => this.#link.wake();
  readonly #arrivals: Arrival[] = [];
  #isPulling = false;
  #isOver = false;
  #isClosed = false;
  #rebuilds = 0;
  #lastDueAt = -Infinity;
  /** When what was told last was sent. */
  #sentAt = 0;
  /** When an alarm is set for; passed: none is. */
  #alarmAt = -Infinity;
  #cursor = WatchCursor.none;
  #caughtUp = false;
  #held: Held = {};

  constructor(link: LinkState, inner: KvWatch, signal: AbortSignal | undefined) {
    this.#link = link;
    this.#inner = inner;
    this.#source = inner[Symbol.asyncIterator]();
    this.#signal = signal;
    this.#failuresBefore = link.failures;
    this.#restoresBefore = link.restores;
    link.begun();
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    this.#iterator = this.#batches();
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchBatch> {
    return this.#iterator;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#link.wake();
    await this.#inner.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *#batches(): AsyncGenerator<WatchBatch, void> {
    const link = this.#link;
    try {
      while (this.#isOpen()) {
        const said = this.#next();
        if (said === undefined) {
          await link.change();
        } else if (said === "end") {
          return;
        } else {
          yield said;
          const isRepeated = said.updates.length === 0 && link.random() < link.duplicates;
          if (isRepeated && this.#isOpen()) yield this.#repeated(said);
        }
      }
    } finally {
      await this.close();
    }
  }

  #isOpen(): boolean {
    if (this.#isClosed) return false;
    this.#signal?.throwIfAborted();
    const { failure, isDead, isUp, lostAt, clock } = this.#link;
    if (isDead) throw notConnected();
    if (failure !== undefined && failure.serial > this.#failuresBefore) throw failure.error;
    if (!isUp && clock.now() - lostAt >= MEND_MS) throw notConnected();
    return true;
  }

  /** What can be told now; `undefined`: nothing. */
  #next(): WatchBatch | "end" | undefined {
    const link = this.#link;
    if (!link.isUp) this.#wakeAt(link.lostAt + MEND_MS);
    for (;;) {
      if (link.isFrozen) return undefined;
      if (link.isUp && this.#hasRebuilt()) return this.#rebuilt();
      if (link.isUp && this.#arrivals.length <= link.readAhead) this.#pull();
      const first = this.#arrivals[0];
      if (first === undefined) return undefined;
      if (first.dueAt > link.clock.now()) {
        this.#wakeAt(first.dueAt);
        return undefined;
      }
      // What was on its way when the line was lost comes again when it is back. What had come before then is here.
      const isLate = first.dueAt > link.lostAt || first.epoch === link.epoch;
      if (!link.isUp && isLate) return undefined;
      this.#arrivals.shift();
      if (first.kind === "end") return "end";
      if (first.kind === "error") throw first.error;
      const said = this.#deliver(first.batch, first);
      if (said !== undefined) return said;
    }
  }

  #hasRebuilt(): boolean {
    return this.#link.restores - this.#restoresBefore > this.#rebuilds;
  }

  /** At once, with nothing known yet of what was missed. */
  #rebuilt(): WatchBatch {
    this.#rebuilds = this.#link.restores - this.#restoresBefore;
    return {
      updates: [],
      cursor: this.#cursor,
      pending: 1,
      rebuilds: this.#rebuilds,
      caughtUp: this.#caughtUp,
    };
  }

  #deliver(batch: WatchBatch, { epoch, sentAt }: Arrival): WatchBatch | undefined {
    const link = this.#link;
    const isOld = epoch !== link.epoch;
    if (batch.updates.length === 0 && link.holdsBookmarks && batch.caughtUp === this.#caughtUp) {
      if (batch.floor !== undefined) this.#held = { floor: batch.floor };
      this.#cursor = batch.cursor;
      return undefined;
    }
    this.#cursor = batch.cursor;
    this.#caughtUp = batch.caughtUp;
    this.#sentAt = sentAt;
    link.frontier = batch.cursor;
    link.delivered(batch.updates.length, batch.cursor, link.clock.now() - sentAt);
    const told = {
      ...this.#held,
      ...batch,
      pending: isOld ? Math.max(1, batch.pending) : batch.pending,
    };
    this.#held = {};
    return this.#rebuilds === 0 ? told : { ...told, rebuilds: this.#rebuilds };
  }

  /** The same word again; a floor is told once. */
  #repeated(said: WatchBatch): WatchBatch {
    const { updates, cursor, pending, caughtUp, rebuilds } = said;
    const again = { updates, cursor, pending, caughtUp };
    const word = rebuilds === undefined ? again : { ...again, rebuilds };
    this.#link.delivered(0, cursor, this.#link.clock.now() - this.#sentAt);
    return this.#link.isUp && !this.#link.isFrozen ? word : { ...word, pending: 1 };
  }

  #pull(): void {
    if (this.#isPulling || this.#isOver) return;
    this.#isPulling = true;
    void this.#fetch();
  }

  async #fetch(): Promise<void> {
    try {
      const step = await this.#source.next();
      if (step.done === true) this.#arrive({ kind: "end" });
      else this.#arrive({ kind: "batch", batch: step.value });
    } catch (error) {
      this.#arrive({ kind: "error", error });
    }
  }

  #arrive(
    what:
      | { readonly kind: "batch"; readonly batch: WatchBatch }
      | { readonly kind: "end" }
      | { readonly kind: "error"; readonly error: unknown },
  ): void {
    const { clock, latencyMs, epoch } = this.#link;
    this.#isPulling = false;
    this.#isOver = what.kind !== "batch";
    const sentAt = clock.now();
    this.#lastDueAt = Math.max(this.#lastDueAt, sentAt + latencyMs());
    this.#arrivals.push({ ...what, sentAt, dueAt: this.#lastDueAt, epoch });
    this.#link.wake();
  }

  #wakeAt(time: number): void {
    const { clock } = this.#link;
    const now = clock.now();
    if (time <= now || (this.#alarmAt > now && this.#alarmAt <= time)) return;
    this.#alarmAt = time;
    clock.schedule(time - now, this.#onAbort);
  }
}
