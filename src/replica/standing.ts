import type { KvStore } from "../kv/index.js";
import {
  nextStanding,
  type ReplicaState,
  shownState,
  type StateEvent,
  type WatchStanding,
} from "./states.js";

/** Where a replica stands, and tells whenever what it shows has changed. */
export class Standing {
  readonly #source: Pick<KvStore, "connected">;
  readonly #tell: (state: ReplicaState, previous: ReplicaState) => void;
  #standing: WatchStanding = "loading";
  /** What was told last: the same in the events and in the status. */
  #shown: ReplicaState = "loading";
  #isBlocked = false;

  constructor(
    source: Pick<KvStore, "connected">,
    tell: (state: ReplicaState, previous: ReplicaState) => void,
  ) {
    this.#source = source;
    this.#tell = tell;
  }

  get shown(): ReplicaState {
    return this.#shown;
  }

  /** Whether the copy is level with its bucket, as far as is known. */
  get isLevel(): boolean {
    return this.#shown === "live";
  }

  move(event: StateEvent): void {
    // What still comes out of a queue when the line is down says how things stood before.
    if (event === "level" && !this.#flows) return;
    this.#standing = nextStanding(this.#standing, event);
    this.#show();
  }

  /** The line to the source was lost or is back. */
  connectedChanged(): void {
    if (this.#source.connected) this.#show();
    else this.move("interrupted");
  }

  /** The store holds up the flow, or no longer. */
  block(isBlocked: boolean): void {
    this.#isBlocked = isBlocked;
    this.move("interrupted");
  }

  get #flows(): boolean {
    return this.#source.connected && !this.#isBlocked;
  }

  #show(): void {
    const previous = this.#shown;
    this.#shown = shownState(this.#standing, this.#flows);
    if (this.#shown !== previous) this.#tell(this.#shown, previous);
  }
}
