import type { KvStore } from "../kv/index.js";
import type { Clock } from "../platform/index.js";
import type { LogRepair } from "../store/index.js";
import { WatchCursor } from "../values/index.js";
import type { WatchEvent } from "../watch/index.js";
import type { CurrentCopy } from "./current-copy.js";
import type { ReplicaEvent } from "./options.js";
import type { ReplicaStatus } from "./replica.js";
import { nextState, type ReplicaState, shownState, type StateEvent } from "./states.js";

const stateEvents: Readonly<Record<WatchEvent["type"], StateEvent | undefined>> = {
  watching: "watching",
  progress: undefined,
  "caught-up": "caught-up",
  "repair-started": "repair-started",
  "repair-finished": "repair-finished",
  swept: undefined,
  counted: undefined,
  audited: undefined,
  retrying: "lost",
  // A store that fails makes no copy stale, as long as updates can be held: status().store tells of it.
  "store-failed": undefined,
  "store-recovered": undefined,
  "store-blocking": "lost",
  "store-unblocked": "watching",
};

/** Keeps the account that {@link ReplicaStatus} shows, from what the watch tells. */
export class Progress {
  readonly #clock: Clock;
  readonly #source: KvStore;
  readonly #tell: (event: ReplicaEvent) => void;
  /** Of the watch. */
  #state: ReplicaState = "loading";
  /** What was told last: the same in the events and in the status. */
  #shown: ReplicaState = "loading";
  #cursor = WatchCursor.none;
  #isReady = false;
  #resumed: boolean | undefined;
  #received = 0;
  #missed: number | undefined;
  #pending = 0;
  #repairs = 0;
  #asOf: number | undefined;
  #lastError: unknown;
  #storeFailingSince: number | undefined;
  #logRepair: LogRepair | undefined;

  constructor(clock: Clock, source: KvStore, tell: (event: ReplicaEvent) => void) {
    this.#clock = clock;
    this.#source = source;
    this.#tell = tell;
  }

  get state(): ReplicaState {
    return this.#shown;
  }

  get lastError(): unknown {
    return this.#lastError;
  }

  move(event: StateEvent): void {
    this.#state = nextState(this.#state, event);
    this.connectedChanged();
  }

  /** The line to the source was lost or is back. */
  connectedChanged(): void {
    const previous = this.#shown;
    this.#shown = shownState(this.#state, this.#source.connected);
    if (this.#shown !== previous) this.#tell({ type: "state", state: this.#shown, previous });
  }

  stored(cursor: WatchCursor): void {
    this.#cursor = cursor;
  }

  logRepaired(repair: LogRepair): void {
    this.#logRepair = repair;
    this.#tell({ type: "log-repaired", repair });
  }

  failed(error: unknown): void {
    this.#lastError = error;
    this.move("failed");
  }

  /** Returns true when the copy has just caught up for the first time. */
  watched(event: WatchEvent, copy: CurrentCopy): boolean {
    this.#account(event);
    const moved = stateEvents[event.type];
    if (moved !== undefined) this.move(moved);
    // After a store that blocked, the watch catches up a second time, and does not say so by itself.
    if (isLevel(event) && this.#isReady && this.#state === "syncing") this.move("caught-up");
    if (event.type === "caught-up") return this.#becomeReady(event.cursor, copy);
    if (event.type !== "watching") this.#tell(event);
    return false;
  }

  status(copy: CurrentCopy): ReplicaStatus {
    return {
      state: this.#shown,
      cursor: this.#cursor,
      size: copy.size,
      connected: this.#source.connected,
      resumed: this.#resumed ?? false,
      received: this.#received,
      missed: this.#missed,
      pending: this.#pending,
      repairs: this.#repairs,
      asOf: this.#asOf,
      lastError: this.#lastError,
      store: {
        ok: this.#storeFailingSince === undefined,
        failingSince: this.#storeFailingSince,
        repaired: this.#logRepair,
        compactionError: copy.compactionError,
      },
    };
  }

  #account(event: WatchEvent): void {
    switch (event.type) {
      case "watching":
        // One that begins with the full state undoes an earlier resume; one that goes on after it makes none.
        if (!this.#isReady) this.#resumed = !event.from.isNone && this.#resumed !== false;
        break;
      case "progress":
        this.#received = event.received;
        this.#pending = event.pending;
        if (isLevel(event)) this.#asOf = this.#clock.now();
        break;
      case "repair-finished":
        this.#repairs += 1;
        break;
      case "retrying":
        this.#lastError = event.error;
        break;
      case "store-failed":
        this.#lastError = event.error;
        this.#storeFailingSince ??= this.#clock.now();
        break;
      case "store-recovered":
        this.#storeFailingSince = undefined;
        break;
      case "caught-up":
      case "swept":
      case "counted":
      case "audited":
      case "repair-started":
      case "store-blocking":
      case "store-unblocked":
        break;
    }
  }

  #becomeReady(cursor: WatchCursor, copy: CurrentCopy): boolean {
    if (this.#isReady) return false;
    this.#isReady = true;
    const resumed = this.#resumed ?? false;
    if (resumed) this.#missed = this.#received;
    this.#tell({ type: "ready", cursor, size: copy.size, resumed, received: this.#received });
    return true;
  }
}

/** Whether all that the source has is applied. */
function isLevel(event: WatchEvent): boolean {
  return event.type === "progress" && event.caughtUp && event.pending === 0;
}
