import { MillpondError } from "../errors/index.js";
import { allKeys } from "../kv/index.js";
import {
  allowManyListeners,
  keepProcessAlive,
  systemClock,
  systemRandom,
} from "../platform/index.js";
import { isOlder, markersOutlast } from "../rules/index.js";
import { type KvRemoval, type KvUpdate, VersionToken, WatchCursor } from "../values/index.js";
import { auditOnce, type AuditParts } from "./audit.js";
import { BucketKnowledge } from "./bucket-knowledge.js";
import { Checks } from "./checks.js";
import { CopyView } from "./copy-view.js";
import type { AuditReport, WatchEvent } from "./events.js";
import { FloorSweep } from "./floor-sweep.js";
import { FlowState } from "./flow-state.js";
import { Flusher } from "./flusher.js";
import { KnownKeys } from "./known-keys.js";
import { Lane } from "./lane.js";
import { limitsOf } from "./limits.js";
import type { WatchAppliedOptions } from "./options.js";
import { orAbort } from "./or-abort.js";
import type { Position } from "./position.js";
import type { RunningWatch, SeenEntry } from "./running-watch.js";
import { StoreWriter } from "./store-writer.js";
import { Supervisor } from "./supervisor.js";

/** Entries that are removed between two flushes. */
const REMOVED_AT_ONCE = 1000;

/** As `watchApplied`, with a hold on the watch while it runs. Never throws: what is wrong with the options rejects `done`. */
export function startWatch<U>(options: WatchAppliedOptions<U>): RunningWatch {
  try {
    checkOptions(options);
    return new Watching(options);
  } catch (error) {
    const refuse = (): Promise<never> => Promise.reject(error);
    return { done: refuse(), audit: refuse, remove: refuse };
  }
}

/** One watch with all that works beside it. */
class Watching<U> implements RunningWatch {
  readonly done: Promise<WatchCursor>;
  readonly #options: WatchAppliedOptions<U>;
  readonly #stop = new AbortController();
  readonly #lane = new Lane();
  /** Audits wait for each other. */
  readonly #audits = new Lane();
  readonly #flow: FlowState;
  readonly #copy: CopyView;
  readonly #bucket: BucketKnowledge;
  readonly #known: KnownKeys;
  readonly #floors: FloorSweep;
  readonly #writer: StoreWriter;
  readonly #flusher: Flusher<U>;
  readonly #supervisor: Supervisor<U>;
  readonly #checks: Checks | undefined;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: WatchAppliedOptions<U>) {
    this.#options = options;
    const limits = limitsOf(options);
    const { clock = systemClock, random = systemRandom, store, auditor, scope = allKeys } = options;
    const { signal } = this.#stop;
    // Each audit that was asked for waits on it.
    allowManyListeners(signal);
    const emit = (event: WatchEvent): void => this.#emit(event);
    const fail = (error: unknown): void => this.#fail(error);
    const onDurable = (cursor: WatchCursor): void => options.onApplied?.(cursor);
    const shared = { limits, clock, random, emit, signal };
    this.#flow = new FlowState(clock);
    this.#bucket = new BucketKnowledge(options.evictions ?? "mirror", clock);
    this.#known = new KnownKeys(auditor !== undefined);
    this.#writer = new StoreWriter({
      ...shared,
      store,
      position: beginningOf(options),
      onDurable,
      fail,
    });
    const parts = {
      ...shared,
      bucket: this.#bucket,
      known: this.#known,
      writer: this.#writer,
      lane: this.#lane,
    };
    this.#copy = new CopyView(store, options.knownKeys, this.#writer, scope);
    this.#floors = new FloorSweep(this.#copy, this.#bucket, clock, signal);
    this.#flusher = new Flusher({ ...parts, parse: options.parse, apply: options.apply });
    this.#supervisor = new Supervisor({
      ...parts,
      options,
      flusher: this.#flusher,
      copy: this.#copy,
      floors: this.#floors,
      onResume: (from, isProven) => this.#onResume(from, isProven),
      onDoubt: () => {
        this.#checks?.distrust();
        // It may be the floor of another history, below which this one may have what the copy lacks.
        this.#floors.begin();
        // What was delivered before would count as the flow's own, which an audit leaves alone.
        return this.#flow.hold();
      },
      onRebuild: () => {
        this.#checks?.hurry();
        this.#floors.begin();
      },
    });
    if (auditor !== undefined) {
      const audit = (stopped: AbortSignal): Promise<AuditReport> => this.#audit(stopped);
      this.#checks = new Checks({ ...parts, ...this.#auditParts(), audit }, signal);
    }
    this.done = this.#run();
  }

  async audit(options: { readonly signal?: AbortSignal } = {}): Promise<AuditReport> {
    const { signal } = this.#stop;
    try {
      return await this.#audit(
        options.signal === undefined ? signal : AbortSignal.any([signal, options.signal]),
      );
    } catch (error) {
      options.signal?.throwIfAborted();
      throw signal.aborted ? hasEnded() : error;
    }
  }

  async remove(entries: readonly SeenEntry[], reason: KvRemoval["reason"]): Promise<number> {
    if (!this.#copy.hasEntries) {
      throw new MillpondError("invalid-argument", "a removal by version needs a store");
    }
    let removed = 0;
    for (let from = 0; from < entries.length; from += REMOVED_AT_ONCE) {
      const some = entries.slice(from, from + REMOVED_AT_ONCE);
      await this.#inject(() => {
        const updates = some
          .filter(({ key, version }) => this.#copy.get(key)?.version.equals(version) === true)
          .map(({ key }) => removalOf(key, reason));
        removed += updates.length;
        return updates;
      });
    }
    return removed;
  }

  async #audit(signal: AbortSignal): Promise<AuditReport> {
    const auditing = this.#audits.run(async () => {
      if (this.#flow.isOver) throw hasEnded();
      const report = await auditOnce(this.#auditParts(), signal);
      this.#emit({ type: "audited", report });
      return report;
    });
    return orAbort(auditing, signal);
  }

  #auditParts(): AuditParts {
    const { auditor, origin, scope = allKeys, clock = systemClock } = this.#options;
    if (auditor === undefined) {
      throw new MillpondError("invalid-argument", "an audit needs an auditor to ask");
    }
    return {
      auditor,
      origin,
      scope,
      clock,
      copy: this.#copy,
      bucket: this.#bucket,
      known: this.#known,
      flow: this.#flow,
      writer: this.#writer,
      inject: (make) => this.#inject(make),
    };
  }

  /** Between two flushes. What `parse` and `apply` throw ends the watch, as it does in a flush. */
  #inject(make: () => readonly KvUpdate[]): Promise<void> {
    return this.#lane.run(async () => {
      if (this.#flow.isOver) throw hasEnded();
      // What an audit fetched may have fallen below the floor since.
      const { floor } = this.#floors;
      const updates = make().filter(
        ({ kind, version }) => kind !== "put" || !isOlder(version, floor),
      );
      if (updates.some(({ kind }) => kind === "put")) this.#floors.forget();
      try {
        await this.#flusher.inject(updates);
      } catch (error) {
        this.#fail(error);
        throw error;
      }
    });
  }

  async #run(): Promise<WatchCursor> {
    const { signal: outer } = this.#options;
    const onAbort = (): void => this.#stop.abort(outer?.reason);
    outer?.addEventListener("abort", onAbort, { once: true });
    if (outer?.aborted === true) onAbort();
    const letProcessEnd = keepProcessAlive(this.#options.clock);
    const checking = this.#checks?.run().catch(() => undefined);
    try {
      await this.#supervisor.run();
    } catch (error) {
      this.#fail(error);
    } finally {
      outer?.removeEventListener("abort", onAbort);
      this.#stop.abort(hasEnded());
      await checking;
      // Whatever is between two flushes comes to its end, and nothing more is.
      await this.#lane.run(async () => this.#flow.end());
      await this.#writer.finish();
      letProcessEnd();
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    return this.#writer.durable;
  }

  #onResume({ timeNs }: Position, isProven: boolean): void {
    const { clock = systemClock } = this.#options;
    const { levelAt } = this.#flow;
    const storedMs = timeNs === 0n ? undefined : Number(timeNs / 1_000_000n);
    const sinceStored = storedMs === undefined ? undefined : this.#bucket.timeMs - storedMs;
    const offlineMs = levelAt === undefined ? sinceStored : clock.now() - levelAt;
    // What was known before the line was lost is of no use in another history: equal numbers would prove nothing.
    const isDoubtful = !isProven && this.#known.isExact;
    const isOutlasted = markersOutlast(offlineMs, this.#bucket.limits);
    // No count says anything of a copy that retains.
    if (isDoubtful || !isOutlasted || this.#bucket.retains) this.#checks?.distrust();
    // What came and went in silence while nobody followed shows at the first check: nothing is proven before.
    else this.#checks?.hurry();
  }

  #emit(event: WatchEvent): void {
    this.#supervisor.heard(event);
    this.#flow.heard(event);
    const isUnchecked = event.type === "progress" && this.#checks?.isOpen === true;
    try {
      this.#options.onEvent?.(isUnchecked ? { ...event, isUnchecked } : event);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#stop.abort(error);
  }
}

/** Where the store is, with what it knows of that place; or where the caller says. */
function beginningOf<U>({ resume, store }: WatchAppliedOptions<U>): Position {
  const cursor = resume ?? store?.cursor() ?? WatchCursor.none;
  const isStored = store !== undefined && cursor.equals(store.cursor());
  return { cursor, timeNs: isStored ? (store.cursorTimeNs?.() ?? 0n) : 0n };
}

function checkOptions<U>(options: WatchAppliedOptions<U>): void {
  if (options.auditor === undefined || options.store !== undefined) return;
  throw new MillpondError(
    "invalid-argument",
    "an auditor needs a store: an audit compares the bucket's records with it",
  );
}

function removalOf(key: string, reason: KvRemoval["reason"]): KvRemoval {
  const removal = { kind: "delete", key, version: VersionToken.unknown } as const;
  return reason === undefined ? removal : { ...removal, reason };
}

function hasEnded(): MillpondError {
  return new MillpondError("closed", "the watch has ended");
}
