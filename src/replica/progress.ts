import { isMillpondError } from "../errors/index.js";
import type { KvStore } from "../kv/index.js";
import type { Clock } from "../platform/index.js";
import { hasReached } from "../rules/index.js";
import type { LogRepair } from "../store/index.js";
import { WatchCursor } from "../values/index.js";
import type { WatchEvent } from "../watch/index.js";
import type { CurrentCopy } from "./current-copy.js";
import { Freshness } from "./freshness.js";
import { LineProof } from "./line-proof.js";
import type { ReplicaEvent } from "./options.js";
import type { ReplicaStatus, ReplicaStoreHealth } from "./replica.js";
import { SilenceWatch } from "./silence.js";
import { Standing } from "./standing.js";
import type { ReplicaState, StateEvent } from "./states.js";
import { Tally } from "./tally.js";
import { Waiting } from "./waiting.js";

const stateEvents: Readonly<Record<WatchEvent["type"], StateEvent | undefined>> = {
  watching: "watching",
  progress: undefined,
  "caught-up": "level",
  "repair-started": "repair-started",
  "repair-finished": "repair-finished",
  swept: undefined,
  counted: undefined,
  audited: undefined,
  "check-failed": undefined,
  retrying: "lost",
  // A store that fails makes no copy stale, as long as updates can be held: status().store tells of it.
  "store-failed": undefined,
  "store-recovered": undefined,
  "store-blocking": undefined,
  "store-unblocked": undefined,
};

type ProgressEvent = Extract<WatchEvent, { readonly type: "progress" }>;

/** When the copy was last level with its bucket, and where. */
export interface Level {
  readonly cursor: WatchCursor;
  readonly at: number;
}

/** Keeps the account that {@link ReplicaStatus} shows, from what the watch tells. */
export class Progress {
  readonly tally = new Tally();
  readonly freshness: Freshness;
  /** Those who wait for the copy to get somewhere. */
  readonly waiting = new Waiting();
  readonly #clock: Clock;
  readonly #source: KvStore;
  readonly #tell: (event: ReplicaEvent) => void;
  readonly #standing: Standing;
  readonly #silence: SilenceWatch;
  readonly #line = new LineProof();
  /** What the store holds. */
  #cursor = WatchCursor.none;
  /** What can be read. */
  #applied = WatchCursor.none;
  /** The copy has all of the bucket up to here: it was level there. Before that a later record of a key may be on its way. */
  #whole = WatchCursor.none;
  #head = WatchCursor.none;
  #level: Level | undefined;
  #isReady = false;
  /** Nothing says yet whether the bucket's history is the one that the copy is of. */
  #isOfUnknownHistory = false;
  /** Where the copy had caught up meanwhile. */
  #heldBack: WatchCursor | undefined;
  #resumed: boolean | undefined;
  #received = 0;
  #missed: number | undefined;
  #pending = 0;
  #warning: string | undefined;
  #lastError: unknown;
  #storeFailingSince: number | undefined;
  #logRepair: LogRepair | undefined;

  constructor(clock: Clock, source: KvStore, tell: (event: ReplicaEvent) => void) {
    this.#clock = clock;
    this.#source = source;
    this.#tell = tell;
    this.freshness = new Freshness(clock);
    this.#standing = new Standing(source, (state, previous) =>
      tell({ type: "state", state, previous }),
    );
    this.#silence = new SilenceWatch(clock, () => this.#standing.move("silent"));
  }

  get state(): ReplicaState {
    return this.#standing.shown;
  }

  /** Whether the copy has caught up with its bucket since it was opened. */
  get isReady(): boolean {
    return this.#isReady;
  }

  /** By the clock as it is set now. */
  get level(): Level | undefined {
    if (this.#level === undefined) return undefined;
    const { cursor, at } = this.#level;
    return { cursor, at: Math.min(at, this.freshness.asOf ?? at) };
  }

  move(event: StateEvent): void {
    this.#standing.move(event);
  }

  connectedChanged(): void {
    if (this.#source.connected) this.#line.lineBack();
    else this.#line.lineLost();
    this.#standing.connectedChanged();
  }

  warned(warning: string | undefined): void {
    this.#warning = warning;
  }

  /** A batch was taken of a watch that had replaced what delivers so often. */
  taken(rebuilds: number): void {
    this.tally.rebuilt(this.#line.taken(rebuilds));
  }

  /** Whether a key that was written by this revision shows that or something newer. */
  hasWhole(revision: WatchCursor): boolean {
    return hasReached(this.#whole, revision);
  }

  /** The copy was level with the bucket at this position. */
  wholeUpTo(cursor: WatchCursor): void {
    this.#whole = cursor;
  }

  /** The copy on the disk, before anything is heard of its bucket. */
  loaded(cursor: WatchCursor): void {
    this.freshness.begin();
    this.#cursor = cursor;
    this.#applied = cursor;
  }

  /**
   * The store holds everything up to `cursor`. When the bucket was there says nothing of the copy's age: until it is level it lacks what
   * the bucket had then and has written anew since.
   */
  stored(cursor: WatchCursor): void {
    this.#cursor = cursor;
  }

  /** The bucket was asked where it ends. */
  looked(head: WatchCursor): void {
    this.#head = head;
  }

  /** Whether the log was damaged when it was opened. */
  get hasRepairedLog(): boolean {
    return this.#logRepair !== undefined;
  }

  logRepaired(repair: LogRepair): void {
    this.#logRepair = repair;
    this.#tell({ type: "log-repaired", repair });
  }

  failed(error: unknown): void {
    this.#lastError = error;
    this.move("failed");
    this.waiting.fail(error);
  }

  end(): void {
    this.freshness.end();
    this.#silence.stop();
  }

  watched(event: WatchEvent, copy: CurrentCopy): void {
    this.tally.watched(event);
    this.#account(event);
    const moved = stateEvents[event.type];
    // Caught up with what there was when the watch began: of what came while the line was lost since, that says nothing.
    const isProven = this.#line.isProven && !this.#isOfUnknownHistory;
    const isEarly = event.type === "caught-up" && !isProven;
    if (moved !== undefined && !isEarly) this.move(moved);
    if (event.type === "caught-up") this.#caughtUp(event.cursor, copy);
    else if (event.type !== "watching") this.#tell(event);
    if (event.type === "audited" && this.#heldBack !== undefined) {
      if (this.#line.isProven) this.move("level");
      this.#becomeReady(this.#heldBack, copy);
    }
    if (event.type === "progress" || event.type === "caught-up") this.waiting.look();
  }

  status(copy: CurrentCopy): ReplicaStatus {
    return {
      state: this.#standing.shown,
      cursor: this.#cursor,
      head: this.#head,
      lag: { sequences: sequencesBetween(this.#applied, this.#head), pending: this.#pending },
      asOf: this.freshness.asOf,
      size: copy.size,
      connected: this.#source.connected,
      resumed: this.#resumed ?? false,
      received: this.#received,
      missed: this.#missed,
      warning: this.#warning,
      lastError: this.#lastError,
      lastErrorCode: isMillpondError(this.#lastError) ? this.#lastError.code : undefined,
      counters: this.tally.counters,
      store: this.#storeHealth(copy),
    };
  }

  #storeHealth({ compactionError }: CurrentCopy): ReplicaStoreHealth {
    return {
      ok: this.#storeFailingSince === undefined,
      failingSince: this.#storeFailingSince,
      repaired: this.#logRepair,
      compactionError,
    };
  }

  #account(event: WatchEvent): void {
    switch (event.type) {
      case "watching":
        this.#line.watchBegun();
        this.#isOfUnknownHistory = event.isUnproven === true;
        // One that begins with the full state undoes an earlier resume; one that goes on after it makes none.
        if (!this.#isReady) this.#resumed = !event.from.isNone && this.#resumed !== false;
        break;
      case "progress":
        this.#progressed(event);
        break;
      case "retrying":
      case "check-failed":
        this.#lastError = event.error;
        break;
      case "store-failed":
        this.#lastError = event.error;
        this.#storeFailingSince ??= this.#clock.now();
        break;
      case "store-recovered":
        this.#storeFailingSince = undefined;
        break;
      case "store-blocking":
        this.#standing.block(true);
        break;
      case "store-unblocked":
        this.#standing.block(false);
        break;
      case "repair-started":
        this.wholeUpTo(WatchCursor.none);
        break;
      case "audited":
        this.#isOfUnknownHistory = false;
        break;
      case "caught-up":
      case "repair-finished":
      case "swept":
      case "counted":
        break;
    }
  }

  #progressed(event: ProgressEvent): void {
    const { received, pending, caughtUp, cursor, head, isUnchecked } = event;
    this.#silence.heard(received === this.#received && cursor.equals(this.#applied));
    this.#received = received;
    this.#pending = pending;
    this.#applied = cursor;
    this.#head = head ?? this.#head;
    if (!caughtUp || pending > 0 || !this.#source.connected) return;
    if (!this.#line.accepts(event.rebuilds ?? 0) || this.#isOfUnknownHistory) return;
    this.move("level");
    this.wholeUpTo(cursor);
    if (!this.#standing.isLevel || isUnchecked === true) return;
    // Not now: what says so may have waited for a slow disk, and the bucket has gone on.
    this.#level = { cursor, at: event.takenAt ?? this.#clock.now() };
    this.freshness.provenUpTo(this.#level.at);
  }

  #caughtUp(cursor: WatchCursor, copy: CurrentCopy): void {
    if (this.#isReady) return;
    if (this.#isOfUnknownHistory) this.#heldBack = cursor;
    else this.#becomeReady(cursor, copy);
  }

  #becomeReady(cursor: WatchCursor, copy: CurrentCopy): void {
    this.#heldBack = undefined;
    this.#isReady = true;
    const resumed = this.#resumed ?? false;
    if (resumed) this.#missed = this.#received;
    this.#tell({ type: "ready", cursor, size: copy.size, resumed, received: this.#received });
  }
}

/** `undefined` where either is not known. A bucket may have been asked before what was applied last was written. */
function sequencesBetween(applied: WatchCursor, head: WatchCursor): bigint | undefined {
  const to = head.toU64();
  const from = applied.toU64();
  if (to === undefined || from === undefined) return undefined;
  return to > from ? to - from : 0n;
}
