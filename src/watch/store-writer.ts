import type { Clock, Random } from "../platform/index.js";
import { backoffDelay, isBeyondRetry } from "../rules/index.js";
import type { SnapshotStore } from "../store/snapshot-store.js";
import type { KvUpdate, WatchCursor } from "../values/index.js";
import type { WatchEvent } from "./events.js";
import type { WatchLimits } from "./limits.js";
import { nowhere, type Position } from "./position.js";
import { sizeOf } from "./update-queue.js";
import { Wakeup } from "./wakeup.js";

const nothing: ReadonlyMap<string, KvUpdate> = new Map();

/**
 * `idle`: everything held is in the store. `writing`: a write is under way. `waiting`: the last one failed, the next comes
 * when the timer fires. `closed`: nothing is written any more.
 */
type WriterState = "idle" | "writing" | "waiting" | "closed";

export interface StoreWriterOptions {
  readonly store: SnapshotStore | undefined;
  /** The position that counts as reported at the beginning. */
  readonly position: Position;
  readonly limits: WatchLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: (event: WatchEvent) => void;
  /** Everything up to `cursor` is in the store. */
  readonly onDurable: (cursor: WatchCursor) => void;
  /** Ends the watch. */
  readonly fail: (error: unknown) => void;
  /** Ends every wait for the store. */
  readonly signal: AbortSignal;
}

/**
 * Brings applied updates into the store, in order, and says how far it got.
 *
 * Cursor authority: what is reported is what the store holds. While it fails, updates go on being applied and are held
 * here, and the reported position stands still; the next attempt gives the store everything held as one batch, with the
 * position after the last of it, so that no cursor ever has a gap before it. Held updates are bounded
 * ({@link HeldOptions}): beyond that {@link StoreWriter.submit} does not return until the store has taken them, which stops
 * the flushes, then the queue, then the source. Without a store everything counts as written at once.
 */
export class StoreWriter {
  readonly #options: StoreWriterOptions;
  readonly #changed = new Wakeup();
  #state: WriterState = "idle";
  /** What the write under way has. */
  #inFlight: readonly KvUpdate[] = [];
  /** What came after that. */
  #held: KvUpdate[] = [];
  #heldBytes = 0;
  /** Of both, made when somebody asks. */
  #heldByKey: Map<string, KvUpdate> | undefined;
  /** The position after everything held. */
  #position: Position;
  #durable: WatchCursor;
  #failures = 0;
  #cancelTimer: (() => void) | undefined;
  #write: Promise<void> = Promise.resolve();

  constructor(options: StoreWriterOptions) {
    this.#options = options;
    this.#position = options.position;
    this.#durable = options.position.cursor;
    options.signal.addEventListener("abort", () => this.#changed.wake(), { once: true });
  }

  /** The position that the store holds. */
  get durable(): WatchCursor {
    return this.#durable;
  }

  /** The position after everything that was submitted. */
  get position(): Position {
    return this.#position;
  }

  /** What the store has not taken yet, the last update of each key. Changes with the next submission. */
  get held(): ReadonlyMap<string, KvUpdate> {
    if (this.#inFlight.length + this.#held.length === 0) return nothing;
    if (this.#heldByKey === undefined) {
      this.#heldByKey = new Map();
      for (const updates of [this.#inFlight, this.#held]) {
        for (const update of updates) this.#heldByKey.set(update.key, update);
      }
    }
    return this.#heldByKey;
  }

  /** Resolves when the store has them, or when it failed and there is room to hold more. */
  async submit(updates: readonly KvUpdate[], position: Position): Promise<void> {
    this.#heldByKey = undefined;
    for (const update of updates) {
      this.#held.push(update);
      this.#heldBytes += sizeOf(update);
    }
    this.#position = position;
    if (this.#state === "idle") await this.#start();
    if (!this.#isOverfull || this.#isInterrupted) return;
    this.#options.emit({ type: "store-blocking" });
    while (this.#isOverfull && !this.#isInterrupted) await this.#changed.wait();
    if (!this.#isOverfull) this.#options.emit({ type: "store-unblocked" });
  }

  /**
   * Makes the store hold no position, with everything held before it. From then on a crash at any point leaves a copy that
   * claims nothing, which the next start repairs. Resolves when the store has taken it; an abort throws its reason.
   */
  async withdraw(): Promise<void> {
    const holdsNone = this.#options.store?.cursor().isNone ?? true;
    if (holdsNone && this.#durable.isNone && this.#isClean) return;
    this.#position = nowhere;
    if (this.#state === "idle") await this.#start();
    while (this.#state !== "idle") {
      this.#options.signal.throwIfAborted();
      await this.#changed.wait();
    }
  }

  /** One last attempt for what is held, whatever the timer says, and the end. What it does not take is delivered again. */
  async finish(): Promise<void> {
    this.#cancelTimer?.();
    if (this.#state === "waiting") await this.#start();
    await this.#write;
    this.abandon();
  }

  /** The end, without another attempt. */
  abandon(): void {
    this.#cancelTimer?.();
    this.#state = "closed";
    this.#changed.wake();
  }

  get #isInterrupted(): boolean {
    return this.#state === "closed" || this.#options.signal.aborted;
  }

  get #isClean(): boolean {
    return this.#held.length === 0 && this.#position.cursor.equals(this.#durable);
  }

  get #isOverfull(): boolean {
    const { maxHeldUpdates, maxHeldBytes } = this.#options.limits;
    const updates = this.#inFlight.length + this.#held.length;
    return updates > maxHeldUpdates || this.#heldBytes > maxHeldBytes;
  }

  #start(): Promise<void> {
    this.#state = "writing";
    this.#write = this.#writeAll();
    return this.#write;
  }

  async #writeAll(): Promise<void> {
    try {
      // At least once: a withdrawal has nothing to write but must reach the store.
      do await this.#writeHeld();
      while (!this.#isClean && this.#state === "writing");
      if (this.#state === "writing") this.#state = "idle";
    } catch (error) {
      this.#onFailure(error);
    }
    this.#changed.wake();
  }

  async #writeHeld(): Promise<void> {
    const position = this.#position;
    this.#inFlight = this.#held;
    this.#held = [];
    try {
      const { cursor, timeNs } = position;
      await this.#options.store?.apply(this.#inFlight, cursor, { cursorTimeNs: timeNs });
    } catch (error) {
      this.#held = [...this.#inFlight, ...this.#held];
      throw error;
    } finally {
      this.#inFlight = [];
      this.#heldByKey = undefined;
    }
    this.#heldBytes = bytesOf(this.#held);
    this.#durable = position.cursor;
    if (this.#failures > 0) this.#options.emit({ type: "store-recovered" });
    this.#failures = 0;
    try {
      this.#options.onDurable(position.cursor);
    } catch (error) {
      this.#options.fail(error);
      this.abandon();
    }
  }

  #onFailure(error: unknown): void {
    const { limits, clock, random, emit, fail } = this.#options;
    this.#failures += 1;
    emit({ type: "store-failed", error, failures: this.#failures });
    if (this.#state === "closed") return;
    if (this.#failures >= limits.maxStoreFailures || isBeyondRetry(error)) {
      fail(error);
      this.abandon();
      return;
    }
    this.#state = "waiting";
    this.#cancelTimer = clock.schedule(backoffDelay(limits.retry, this.#failures, random()), () => {
      if (this.#state === "waiting") void this.#start();
    });
  }
}

function bytesOf(updates: readonly KvUpdate[]): number {
  let bytes = 0;
  for (const update of updates) bytes += sizeOf(update);
  return bytes;
}
