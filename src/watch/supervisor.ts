import { isMillpondError, MillpondError } from "../errors/index.js";
import { allKeys, inScope, type KvWatch, type WatchBatch, type WatchScope } from "../kv/index.js";
import { type Clock, type Random, sleep } from "../platform/index.js";
import { backoffDelay, isSetupMistake } from "../rules/index.js";
import type { WatchCursor } from "../values/index.js";
import type { StartOverReason, WatchEvent } from "./events.js";
import type { Flusher } from "./flusher.js";
import type { WatchLimits } from "./limits.js";
import type { BucketFacts, BucketIdentity, WatchAppliedOptions } from "./options.js";
import { orAbort } from "./or-abort.js";
import { deletesOf, findVanished, listLiveKeys } from "./repair.js";
import { type FlowEnd, runSession } from "./session.js";
import type { StoreWriter } from "./store-writer.js";

/** Where the loop is. Each phase is one step that says which comes next; only `backing-off` lets time pass. */
type Phase =
  | { readonly kind: "resuming"; readonly from: WatchCursor }
  | { readonly kind: "starting-over"; readonly reason: StartOverReason }
  | { readonly kind: "following"; readonly watch: KvWatch; readonly from: WatchCursor }
  | { readonly kind: "backing-off"; readonly error: unknown; readonly next: Phase };

export interface SupervisorOptions<U> {
  readonly options: WatchAppliedOptions<U>;
  readonly limits: WatchLimits;
  readonly writer: StoreWriter;
  readonly flusher: Flusher<U>;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: (event: WatchEvent) => void;
  /** Aborted by the caller, or because something failed for good. */
  readonly signal: AbortSignal;
}

/** A position that expires this soon after a watch caught up may do so again at once: a small bucket written all the time. */
const SOON_MS = 1000;

/** Keeps one watch going over failures of the source, and repairs the copy when its position is lost. */
export class Supervisor<U> {
  readonly #options: SupervisorOptions<U>;
  readonly #scope: WatchScope;
  /** In a row, since a watch last caught up. */
  #failures = 0;
  #hasWatched = false;
  #caughtUpAt = -Infinity;

  constructor(options: SupervisorOptions<U>) {
    this.#options = options;
    this.#scope = options.options.scope ?? allKeys;
  }

  /** Returns after an abort. Throws what no retry can mend, and what `parse` and `apply` threw. */
  async run(): Promise<void> {
    const { signal } = this.#options;
    let phase = this.#begin();
    try {
      for (;;) {
        signal.throwIfAborted();
        phase = await this.#step(phase);
      }
    } catch (error) {
      if (error instanceof FinalError) throw error.cause;
      if (!signal.aborted) throw error;
    }
  }

  /** Called when a watch has caught up: what failed before then is over. */
  caughtUp(): void {
    this.#failures = 0;
    this.#caughtUpAt = this.#options.clock.now();
  }

  #begin(): Phase {
    const from = this.#options.writer.position;
    return from.isNone
      ? { kind: "starting-over", reason: "no-cursor" }
      : { kind: "resuming", from };
  }

  #step(phase: Phase): Promise<Phase> {
    switch (phase.kind) {
      case "resuming":
        return this.#attempt(phase, () => this.#resume(phase.from));
      case "starting-over":
        return this.#attempt(phase, () => this.#startOver(phase.reason));
      case "following":
        return this.#follow(phase.watch, phase.from);
      case "backing-off":
        return this.#backOff(phase.error, phase.next);
    }
  }

  /** Runs a step that sets up a watch, and decides what its failure means. */
  async #attempt(phase: Phase, step: () => Promise<Phase>): Promise<Phase> {
    try {
      return await step();
    } catch (error) {
      const { signal, options } = this.#options;
      if (signal.aborted || error instanceof FinalError) throw error;
      if (isMillpondError(error, "cursor-expired")) return this.#expired(error);
      const failFast = options.failFast ?? true;
      if (failFast && !this.#hasWatched && isSetupMistake(error)) throw new FinalError(error);
      const next = phase.kind === "resuming" ? this.#after(error) : phase;
      return { kind: "backing-off", error, next };
    }
  }

  /**
   * Where to go on after `error`. A bucket that is gone takes its positions along: made again it has the same sequences, and
   * without an origin nobody would notice.
   */
  #after(error: unknown): Phase {
    const { origin, reader } = this.#options.options;
    const next = this.#begin();
    if (next.kind !== "resuming" || origin !== undefined) return next;
    if (!isMillpondError(error, "bucket-not-found")) return next;
    if (reader === undefined) throw new FinalError(bucketIsGone(error));
    return { kind: "starting-over", reason: "foreign-cursor" };
  }

  /**
   * Resumes after `from`, if the position is good in the bucket that there is. That is asked once the watch is set up: an identity read
   * then is that of the bucket watched, since a bucket made again never gets an earlier making's identity back.
   */
  async #resume(from: WatchCursor): Promise<Phase> {
    const { origin } = this.#options.options;
    const watch = await this.#open(from);
    return this.#orClose(watch, async () => {
      if (origin !== undefined) {
        const actual = await orAbort(origin.read(), this.#options.signal);
        const reason = origin.refusal(actual, from);
        if (reason !== undefined) {
          await watch.close();
          return { kind: "starting-over", reason };
        }
      }
      return { kind: "following", watch, from };
    });
  }

  /**
   * Begins again with the full state, with a repair first where the copy holds anything. The order, and what a crash
   * leaves after each step:
   *
   * 1. Read who the bucket is, before the watch: should the bucket be made again in between, what is noted in step 5 is the
   *    earlier making, which the next start refuses. The other way round it would accept a position of the wrong one.
   * 2. Set up the watch, before the listing: what is deleted after this is delivered, so that no delete falls between the
   *    two, even if its marker is gone at once. Nothing of it is applied yet.
   * 3. List the live keys. Up to here nothing has changed: the old position is still with the old data, the next start
   *    resumes from it and finds it expired (or foreign) again.
   * 4. Withdraw the position. From here on a crash leaves a copy without one, and the next start repairs from the beginning,
   *    whatever part of the data below it has. Keeping the old position during the repair would be wrong: a bucket that was
   *    made again may by then have outgrown it, and a resume from it would pass for sound.
   * 5. Note whom the positions that follow belong to. There is none at this moment, so none can be paired with the wrong one.
   * 6. Apply the deletes, through the same flush as everything else and before the first update of step 7.
   * 7. Follow the watch. The first batch brings a new position: the deletes are in the store by then, as writes keep order.
   */
  async #startOver(reason: StartOverReason): Promise<Phase> {
    const { options, writer, signal, emit } = this.#options;
    const mustRepair = this.#holdsAnything();
    if (mustRepair && options.reader === undefined) throw new FinalError(noReader());
    const actual = await this.#readOrigin();
    const watch = await this.#open(undefined);
    return this.#orClose(watch, async () => {
      if (mustRepair) emit({ type: "repair-started", reason });
      const live =
        mustRepair && options.reader !== undefined
          ? await listLiveKeys(options.reader, this.#scope, signal)
          : new Set<string>();
      await writer.withdraw();
      if (actual !== undefined) await this.#adopt(actual);
      if (mustRepair) {
        // Known keys are read after the old watch has been flushed to its end: nothing can be added behind the diff.
        const vanished = await findVanished(this.#knownKeys(), live);
        await this.#session(deletesOf(vanished), "repair");
        signal.throwIfAborted();
        emit({ type: "repair-finished", deleted: vanished.length, changed: 0 });
      }
      return { kind: "following", watch, from: writer.position };
    });
  }

  /** Tried again where it stands: that a disk fails is no reason to list the bucket anew. */
  async #adopt(actual: BucketIdentity): Promise<void> {
    const { options, limits, clock, random, emit, signal } = this.#options;
    for (let failures = 1; ; failures += 1) {
      try {
        await options.origin?.adopt(actual);
        if (failures > 1) emit({ type: "store-recovered" });
        return;
      } catch (error) {
        emit({ type: "store-failed", error, failures });
        if (failures >= limits.maxStoreFailures) throw new FinalError(error);
        await sleep(clock, backoffDelay(limits.retry, failures, random()), signal);
      }
    }
  }

  async #follow(watch: KvWatch, from: WatchCursor): Promise<Phase> {
    const { flusher, emit, signal } = this.#options;
    this.#hasWatched = true;
    flusher.beginWatch();
    emit({ type: "watching", from });
    let end: FlowEnd;
    try {
      end = await this.#session(watch, "delivered");
    } finally {
      await closeQuietly(watch);
    }
    signal.throwIfAborted();
    if (end.kind === "failed" && isMillpondError(end.error, "cursor-expired")) {
      return this.#expired(end.error);
    }
    const error =
      end.kind === "failed" ? end.error : new MillpondError("watch-error", "the watch has ended");
    return { kind: "backing-off", error, next: this.#after(error) };
  }

  /** At once, unless it is before a watch caught up or soon after: then it waits as any failure does, so that no storm arises. */
  #expired(error: MillpondError): Phase {
    const { options, clock } = this.#options;
    if (options.reader === undefined) throw new FinalError(error);
    const next: Phase = { kind: "starting-over", reason: "cursor-expired" };
    const isSoon = clock.now() - this.#caughtUpAt < SOON_MS;
    if (this.#failures > 0 || isSoon) return { kind: "backing-off", error, next };
    this.#failures = 1;
    return next;
  }

  async #backOff(error: unknown, next: Phase): Promise<Phase> {
    const { limits, random, clock, emit, signal } = this.#options;
    this.#failures += 1;
    const delayMs = backoffDelay(limits.retry, this.#failures, random());
    emit({ type: "retrying", error, delayMs, failures: this.#failures });
    await sleep(clock, delayMs, signal);
    return next;
  }

  #open(from: WatchCursor | undefined): Promise<KvWatch> {
    const { options, signal } = this.#options;
    const opening = options.source.watch(this.#scope, {
      signal,
      ...(from === undefined ? {} : { from }),
    });
    return orAbort(opening, signal, (late) => void closeQuietly(late));
  }

  async #orClose(watch: KvWatch, step: () => Promise<Phase>): Promise<Phase> {
    try {
      return await step();
    } catch (error) {
      await closeQuietly(watch);
      throw error;
    }
  }

  async #readOrigin(): Promise<BucketFacts | undefined> {
    const reading = this.#options.options.origin?.read();
    return reading === undefined ? undefined : orAbort(reading, this.#options.signal);
  }

  async #session(flow: AsyncIterable<WatchBatch>, kind: "delivered" | "repair"): Promise<FlowEnd> {
    const { flusher, limits, clock, signal, options } = this.#options;
    try {
      return await runSession(flow, kind, {
        flusher,
        parse: options.parse,
        limits,
        clock,
        signal,
      });
    } catch (error) {
      throw new FinalError(error);
    }
  }

  #holdsAnything(): boolean {
    const [first] = this.#knownKeys();
    return first !== undefined;
  }

  /** Also what has been applied and not yet written. A key too many costs a delete of nothing. */
  *#knownKeys(): Iterable<string> {
    const { options, writer } = this.#options;
    yield* writer.heldKeys();
    if (options.knownKeys !== undefined) yield* options.knownKeys();
    else if (options.store !== undefined) {
      for (const { key } of options.store.range("")) if (inScope(this.#scope, key)) yield key;
    }
  }
}

/** Carries past the retries an error that ends the watch. */
class FinalError extends Error {
  override readonly cause: unknown;

  constructor(cause: unknown) {
    super("ends the watch");
    this.cause = cause;
  }
}

function noReader(): MillpondError {
  return new MillpondError("cursor-expired", "the copy holds keys but no position to resume from", {
    hint: "Pass a reader, which arms the repair, or begin with an empty copy.",
  });
}

function bucketIsGone(cause: MillpondError): MillpondError {
  return new MillpondError("cursor-expired", `${cause.message}, and its positions with it`, {
    cause,
    hint: "Pass a reader, which arms the repair, or begin with an empty copy.",
  });
}

/** What cannot be closed is lost anyway: the backend frees a watch that nobody follows. */
async function closeQuietly(watch: KvWatch): Promise<void> {
  try {
    await watch.close();
  } catch {
    // See above.
  }
}
