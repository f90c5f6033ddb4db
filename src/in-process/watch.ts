import type { MillpondError } from "../errors/index.js";
import { inScope, type KvWatch, type WatchBatch, type WatchScope } from "../kv/index.js";
import { type Clock, nextTurn } from "../platform/index.js";
import { WatchCursor, type KvUpdate } from "../values/index.js";
import type { BucketStream } from "./bucket-stream.js";
import { bucketNotFound, cursorExpired, notConnected, rolledBack } from "./failures.js";
import type { Link } from "./link.js";
import { timeNsOf, updateOf, type StoredRecord } from "./record.js";

const MAX_UPDATES = 1000;
/** Records looked at for one batch, so that a narrow watch of a large bucket does not hold the event loop. */
const MAX_LOOKED_AT = 16_384;
/** Up to here the backlog is counted record by record; what lies further is taken to be in scope. */
const MAX_COUNTED = 4096;

export interface WatchSetup {
  readonly stream: BucketStream;
  readonly link: Link;
  readonly clock: Clock;
  readonly scope: WatchScope;
  /** Deliver what came after this sequence; left out, the current state first. */
  readonly from: number | undefined;
  /** As `WatchOptions.sweeps`. */
  readonly sweeps: boolean;
  readonly signal: AbortSignal | undefined;
  /** How long after the last report there is another, where nothing else gives cause for one. */
  readonly bookmarkMs: number;
}

/**
 * One watch. It holds a position and asks the stream for what comes after it, so it buffers nothing and a slow reader is
 * overrun exactly when the records that it has yet to read are dropped.
 */
export class InProcessWatch implements KvWatch {
  readonly #setup: WatchSetup;
  /** Sequence of the newest record when the watch began: up to there it delivers the state, or catches up. */
  readonly #head: number;
  readonly #stateSync: boolean;
  readonly #iterator: AsyncGenerator<WatchBatch, void>;
  readonly #release: () => void;
  /** The stream had been rolled back so often when the watch began. */
  readonly #rollBacks: number;
  #position: number;
  #stateLeft: number;
  #caughtUp = false;
  /** The last record looked at. */
  #reached: StoredRecord | undefined;
  #floor = 1;
  #rebuilds = 0;
  #bookmarkDue = false;
  #cancelBookmark: (() => void) | undefined;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(setup: WatchSetup) {
    const { stream, link, scope, from, signal } = setup;
    this.#setup = setup;
    this.#head = stream.log.lastSequence;
    this.#rollBacks = stream.rollBacks;
    this.#stateSync = from === undefined;
    this.#position = from ?? 0;
    this.#stateLeft = this.#stateSync ? keysInScope(stream, scope) : 0;
    const wake = (): void => this.#wake?.();
    const onLink = (): void => {
      if (link.state === "up") this.#rebuild();
      wake();
    };
    const unsubscribe = [stream.subscribe(wake), link.subscribe(onLink)];
    const onAbort = (): void => {
      this.#release();
      wake();
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#release = () => {
      for (const end of unsubscribe) end();
      signal?.removeEventListener("abort", onAbort);
      this.#cancelBookmark?.();
    };
    this.#iterator = this.#batches();
  }

  /** There is one flow of batches: iterating again goes on where the last one was. */
  [Symbol.asyncIterator](): AsyncIterator<WatchBatch> {
    return this.#iterator;
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#release();
    this.#wake?.();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *#batches(): AsyncGenerator<WatchBatch, void> {
    const { link, signal } = this.#setup;
    try {
      for (;;) {
        if (this.#closed) return;
        signal?.throwIfAborted();
        if (link.state === "closed") throw notConnected(true);
        const batch = link.state === "up" ? this.#next() : undefined;
        if (batch !== undefined) {
          yield batch;
          // A long backlog must not keep timers and signals waiting.
          if (batch.updates.length === MAX_UPDATES) await nextTurn();
        } else if (this.#mayGoOn()) {
          await nextTurn();
        } else {
          await this.#change();
        }
      }
    } finally {
      this.#closed = true;
      this.#release();
    }
  }

  /** The line is back: what was missed is told at once, be it nothing. */
  #rebuild(): void {
    this.#rebuilds += 1;
    this.#bookmarkDue = true;
  }

  #mayGoOn(): boolean {
    return this.#setup.link.state === "up" && this.#position < this.#setup.stream.log.lastSequence;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }

  /** The next batch, or none where there is nothing to say. */
  #next(): WatchBatch | undefined {
    const { stream } = this.#setup;
    if (stream.deleted) throw bucketNotFound(stream.identity.name);
    stream.expire();
    if (stream.rollBacks !== this.#rollBacks) throw rolledBack(stream.identity.name);
    const frontier = this.#stateSync ? Math.max(this.#position, this.#head) : this.#position;
    if (!this.#setup.sweeps && stream.evictedThrough > frontier) throw this.#overrun(frontier);
    const updates = this.#collect();
    const catchesUp = !this.#caughtUp && this.#position >= this.#head;
    if (catchesUp) this.#caughtUp = true;
    if (updates.length > 0 || catchesUp) return this.#report(updates);
    if (this.#bookmarkDue) return this.#report(updates);
    this.#cancelBookmark ??= this.#setup.clock.schedule(this.#setup.bookmarkMs, () => {
      this.#bookmarkDue = true;
      this.#wake?.();
    });
    return undefined;
  }

  /** Moves the position over up to a batch of updates. */
  #collect(): KvUpdate[] {
    const { log } = this.#setup.stream;
    const updates: KvUpdate[] = [];
    let lookedAt = 0;
    let stopped = false;
    log.visitAfter(this.#position, (record) => {
      if (updates.length === MAX_UPDATES || lookedAt === MAX_LOOKED_AT) {
        stopped = true;
        return false;
      }
      lookedAt += 1;
      this.#position = record.sequence;
      this.#reached = record;
      if (this.#wants(record)) updates.push(updateOf(record));
      return true;
    });
    // What was given out beyond the last record that is kept is gone and will not come.
    if (!stopped) this.#position = Math.max(this.#position, log.lastSequence);
    return updates;
  }

  #wants(record: StoredRecord): boolean {
    const { scope, stream } = this.#setup;
    if (!inScope(scope, record.key)) return false;
    if (!this.#stateSync || record.sequence > this.#head) return true;
    if (!stream.log.isLastAsOf(record, this.#head)) return false;
    this.#stateLeft -= 1;
    return true;
  }

  #report(updates: readonly KvUpdate[]): WatchBatch {
    this.#bookmarkDue = false;
    this.#cancelBookmark?.();
    this.#cancelBookmark = undefined;
    const reached = this.#reached;
    return {
      updates,
      cursor: WatchCursor.fromU64(this.#position),
      ...(reached?.sequence === this.#position ? { cursorTimeNs: timeNsOf(reached) } : {}),
      head: WatchCursor.fromU64(this.#setup.stream.log.lastSequence),
      ...this.#newFloor(),
      pending: this.#pending(),
      ...(this.#rebuilds === 0 ? {} : { rebuilds: this.#rebuilds }),
      caughtUp: this.#caughtUp,
    };
  }

  /** Only at the end: before it, a key whose older record has gone may have a newer one that is still to come. */
  #newFloor(): Pick<WatchBatch, "floor"> {
    const { firstSequence, lastSequence } = this.#setup.stream.log;
    if (this.#position < lastSequence || firstSequence <= this.#floor) return {};
    this.#floor = firstSequence;
    return { floor: WatchCursor.fromU64(firstSequence) };
  }

  #pending(): number {
    const { log } = this.#setup.stream;
    const state = this.#caughtUp ? 0 : Math.max(0, this.#stateLeft);
    const from = this.#stateSync ? Math.max(this.#position, this.#head) : this.#position;
    let counted = 0;
    let inScopeCount = 0;
    let reached = from;
    log.visitAfter(from, (record) => {
      if (counted === MAX_COUNTED) return false;
      counted += 1;
      reached = record.sequence;
      if (inScope(this.#setup.scope, record.key)) inScopeCount += 1;
      return true;
    });
    const rest = counted === MAX_COUNTED ? log.countAfterAtMost(reached) : 0;
    return state + inScopeCount + rest;
  }

  #overrun(frontier: number): MillpondError {
    const { identity, evictedThrough } = this.#setup.stream;
    return cursorExpired(
      `bucket ${identity.name} dropped records up to ${evictedThrough} before this watch, at ${frontier}, had read them`,
    );
  }
}

function keysInScope(stream: BucketStream, scope: WatchScope): number {
  if (scope.kind === "all") return stream.log.keyCount;
  return stream.log.lastRecords("").filter((record) => inScope(scope, record.key)).length;
}
