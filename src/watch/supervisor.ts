import { isMillpondError, MillpondError } from "../errors/index.js";
import { allKeys, type KvWatch, type WatchScope } from "../kv/index.js";
import { type Clock, type Random, sleep } from "../platform/index.js";
import { backoffDelay, isRolledBack, isSetupMistake, retryPace } from "../rules/index.js";
import type { BucketKnowledge } from "./bucket-knowledge.js";
import type { CopyView } from "./copy-view.js";
import type { StartOverReason, WatchEvent } from "./events.js";
import type { Flusher } from "./flusher.js";
import type { FloorSweep } from "./floor-sweep.js";
import { FillStage, FollowStage, type Stage, type StageParts } from "./follow-stage.js";
import type { KnownKeys } from "./known-keys.js";
import type { Lane } from "./lane.js";
import type { WatchLimits } from "./limits.js";
import type { BucketFacts, BucketIdentity, WatchAppliedOptions } from "./options.js";
import { orAbort } from "./or-abort.js";
import { FinalError, type FollowingPhase, type Phase, type Repair } from "./phases.js";
import { nowhere, type Position } from "./position.js";
import { type FlowEnd, runSession } from "./session.js";
import { untilConnected } from "./source-link.js";
import type { StoreWriter } from "./store-writer.js";
import { SyncStage } from "./sync-stage.js";

export interface SupervisorOptions<U> {
  readonly options: WatchAppliedOptions<U>;
  readonly limits: WatchLimits;
  readonly writer: StoreWriter;
  readonly flusher: Flusher<U>;
  readonly copy: CopyView;
  readonly bucket: BucketKnowledge;
  readonly known: KnownKeys;
  readonly floors: FloorSweep;
  readonly lane: Lane;
  readonly clock: Clock;
  readonly random: Random;
  readonly emit: (event: WatchEvent) => void;
  /**
   * A watch resumes at this position: what may have come and gone since is the listener's business. `isProven`: the bucket still has
   * the record there, and it is the one that was there.
   */
  readonly onResume: (from: Position, isProven: boolean) => void;
  /**
   * The bucket may have another history than the one that was delivered: nothing is left by which to tell. What it returns is called
   * once all that was delivered before is in the copy.
   */
  readonly onDoubt: () => () => void;
  /** The source has replaced what delivers to a watch. */
  readonly onRebuild: () => void;
  /** Aborted by the caller, or because something failed for good. */
  readonly signal: AbortSignal;
}

/** A position that expires this soon after a watch caught up may do so again at once: a small bucket written all the time. */
const SOON_MS = 1000;

/** Keeps one watch going over failures of the source, and begins with the full state where its position is lost. */
export class Supervisor<U> {
  readonly #options: SupervisorOptions<U>;
  readonly #scope: WatchScope;
  readonly #stageParts: StageParts<U>;
  /** In a row, since a watch last caught up. */
  #failures = 0;
  /** When the first of them was. */
  #failingSince = 0;
  #hasWatched = false;
  #caughtUpAt = -Infinity;
  /** Whether the copy may hold another bucket's entries, until a repair is complete. */
  #isForeign = false;
  /** Whether the copy may be of another history of the bucket, until an audit is complete. */
  #isUnproven = false;

  constructor(options: SupervisorOptions<U>) {
    this.#options = options;
    this.#scope = options.options.scope ?? allKeys;
    const { parse } = options.options;
    this.#stageParts = { ...options, parse, isUnproven: () => this.#isUnproven };
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

  /** Called with what the flow tells. */
  heard({ type }: WatchEvent): void {
    if (type === "repair-finished") this.#isForeign = false;
    if (type === "audited") this.#isUnproven = false;
    if (type !== "caught-up") return;
    this.#failures = 0;
    this.#caughtUpAt = this.#options.clock.now();
  }

  #begin(): Phase {
    const from = this.#options.writer.position;
    return from.cursor.isNone
      ? { kind: "starting-over", reason: this.#isForeign ? "foreign-cursor" : "no-cursor" }
      : { kind: "resuming", from };
  }

  #step(phase: Phase): Promise<Phase> {
    switch (phase.kind) {
      case "resuming":
        return this.#attempt(phase, () => this.#resume(phase.from));
      case "starting-over":
        return this.#attempt(phase, () => this.#startOver(phase.reason));
      case "following":
        return this.#follow(phase);
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
      const isFinal = options.failFast === true && !this.#hasWatched && isSetupMistake(error);
      if (isFinal) throw new FinalError(error);
      const next = phase.kind === "resuming" ? this.#after(error) : phase;
      return { kind: "backing-off", error, next };
    }
  }

  /**
   * Where to go on after `error`. A bucket that is gone takes its positions along: made again it has the same sequences, and
   * without an origin nobody would notice.
   */
  #after(error: unknown): Phase {
    const { options, copy } = this.#options;
    const next = this.#begin();
    if (next.kind !== "resuming" || options.origin !== undefined) return next;
    if (!isMillpondError(error, "bucket-not-found")) return next;
    if (!copy.hasKeys) throw new FinalError(bucketIsGone(error));
    return { kind: "starting-over", reason: "foreign-cursor" };
  }

  /**
   * Resumes after `from`, if the position is good in the bucket that there is. That is asked once the watch is set up: an identity read
   * then is that of the bucket watched, since a bucket made again never gets an earlier making's identity back.
   */
  async #resume(from: Position): Promise<Phase> {
    const { onResume } = this.#options;
    const watch = await this.#open(from.cursor);
    return this.#orClose(watch, async () => {
      const { reason, isProven } = await this.#judge(from);
      if (reason !== undefined) {
        await watch.close();
        return { kind: "starting-over", reason };
      }
      onResume(from, isProven);
      const isUnproven = !isProven && this.#options.options.auditor !== undefined;
      return { kind: "following", watch, from, isUnproven };
    });
  }

  async #judge({ cursor, timeNs }: Position): Promise<{
    readonly reason: StartOverReason | undefined;
    readonly isProven: boolean;
  }> {
    const { options, signal } = this.#options;
    const { origin, auditor } = options;
    const actual = await this.#readOrigin();
    const reason = actual === undefined ? undefined : origin?.refusal(actual, cursor);
    if (reason !== undefined || auditor === undefined || timeNs === 0n) {
      return { reason, isProven: false };
    }
    const record = await orAbort(auditor.recordAt(cursor), signal);
    return isRolledBack(timeNs, record)
      ? { reason: "foreign-cursor", isProven: false }
      : { reason: undefined, isProven: record !== undefined };
  }

  /**
   * Begins again with the full state. The order, and what a crash leaves after each step:
   *
   * 1. Read who the bucket is, before the watch: should the bucket be made again in between, what is noted in the end is the
   *    earlier making, which the next start refuses. The other way round it would accept a position of the wrong one.
   * 2. Set up the watch, and read again: of a bucket made again in between nobody has asked yet whether the copy is its own.
   *    Up to here nothing has changed: the old position is still with the old data, the next start
   *    resumes from it and finds it expired (or foreign) again.
   * 3. Withdraw the position. From here on a crash leaves a copy without one, and the next start begins with the full state,
   *    whatever part of it the data below has. Keeping the old position during the repair would be wrong: a bucket that was
   *    made again may by then have outgrown it, and a resume from it would pass for sound.
   * 4. Follow. A copy that held anything gets its first position when it is the bucket ({@link SyncStage}), and before that a note whose it
   *    is. Until then the old note stands beside no position, so that what the copy is made of is not taken for this bucket's. An empty copy
   *    gets positions along the way.
   */
  async #startOver(reason: StartOverReason): Promise<Phase> {
    const { options, copy, writer, lane } = this.#options;
    const mustRepair = copy.holdsAnything();
    const actual = await this.#readOrigin();
    const isForeign =
      reason === "foreign-cursor" ||
      (actual !== undefined &&
        options.origin?.refusal(actual, nowhere.cursor) === "foreign-cursor");
    const watch = await this.#open(undefined);
    return this.#orClose(watch, async () => {
      const again = await this.#readOrigin();
      if (actual?.created !== again?.created) {
        throw new MillpondError("watch-error", "the bucket was made again before it was watched");
      }
      // What is between two flushes has read the position that it keeps, and would bring it back.
      await lane.run(() => writer.withdraw());
      this.#isForeign = mustRepair && isForeign;
      if (!mustRepair && actual !== undefined) await this.#adopt(actual);
      const repair = mustRepair ? { repair: { reason, actual } } : {};
      return { kind: "following", watch, from: writer.position, ...repair };
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

  async #follow({ watch, from, repair, isUnproven }: FollowingPhase): Promise<Phase> {
    const { flusher, emit, signal } = this.#options;
    this.#hasWatched = true;
    flusher.beginWatch();
    const stage = this.#stage(from, repair);
    this.#isUnproven = from.cursor.isNone ? false : this.#isUnproven || isUnproven === true;
    const proof = this.#isUnproven ? ({ isUnproven: true } as const) : {};
    emit({ type: "watching", from: from.cursor, ...proof });
    if (repair !== undefined) emit({ type: "repair-started", reason: repair.reason });
    let end: FlowEnd;
    try {
      end = await this.#session(watch, stage);
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

  #stage(from: Position, repair: Repair | undefined): Stage<U> {
    const { known, floors } = this.#options;
    const follow = new FollowStage(this.#stageParts);
    floors.begin();
    if (!from.cursor.isNone) return follow;
    known.begin();
    floors.forget();
    if (repair === undefined) return new FillStage(follow, known);
    const { actual } = repair;
    return new SyncStage({
      ...this.#options,
      ...this.#stageParts,
      follow,
      isForeign: this.#isForeign,
      adopt: () => (actual === undefined ? Promise.resolve() : this.#adopt(actual)),
    });
  }

  /** At once, unless it is before a watch caught up or soon after: then it waits as any failure does, so that no storm arises. */
  #expired(error: MillpondError): Phase {
    const { copy, clock } = this.#options;
    if (!copy.hasKeys) throw new FinalError(error);
    const next: Phase = { kind: "starting-over", reason: "cursor-expired" };
    const isSoon = clock.now() - this.#caughtUpAt < SOON_MS;
    if (this.#failures > 0 || isSoon) return { kind: "backing-off", error, next };
    this.#failures = 1;
    this.#failingSince = clock.now();
    return next;
  }

  /** What the source says of its connection ends the wait early, but for a moment that spreads a fleet which lost its server together. */
  async #backOff(error: unknown, next: Phase): Promise<Phase> {
    const { options, limits, random, clock, emit, signal } = this.#options;
    if (this.#failures === 0) this.#failingSince = clock.now();
    this.#failures += 1;
    const pace = retryPace(error, limits.retry, clock.now() - this.#failingSince);
    const delayMs = backoffDelay(pace, this.#failures, random());
    emit({ type: "retrying", error, delayMs, failures: this.#failures });
    if (await untilConnected(options.source, clock, delayMs, signal)) {
      await sleep(clock, Math.round(limits.retry.minMs * random()), signal);
    }
    return next;
  }

  #open(from: Position["cursor"] | undefined): Promise<KvWatch> {
    const { options, copy, signal } = this.#options;
    const opening = options.source.watch(this.#scope, {
      signal,
      ...(copy.hasEntries ? { sweeps: true } : {}),
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
    const { options, bucket, signal } = this.#options;
    if (options.origin === undefined) return undefined;
    const facts = await orAbort(options.origin.read(), signal);
    bucket.learn(facts);
    return facts;
  }

  async #session(watch: KvWatch, stage: Stage<U>): Promise<FlowEnd> {
    const { lane, bucket, limits, clock, signal, options, onDoubt, onRebuild } = this.#options;
    const { evictions } = bucket;
    const { parse } = options;
    try {
      const shared = { lane, parse, limits, clock, signal };
      return await runSession(watch, { ...shared, stage, evictions, onDoubt, onRebuild });
    } catch (error) {
      if (signal.aborted && error === signal.reason) return { kind: "ended" };
      throw error instanceof FinalError ? error : new FinalError(error);
    }
  }
}

function bucketIsGone(cause: MillpondError): MillpondError {
  return new MillpondError("cursor-expired", `${cause.message}, and its positions with it`, {
    cause,
    hint: "Pass a store or knownKeys, which arms the repair, or begin with an empty copy.",
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
