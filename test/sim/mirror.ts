import { isMillpondError } from "../../src/errors/index.js";
import { type Clock, sleep } from "../../src/platform/index.js";
import type { Replica, ReplicaEntry } from "../../src/replica/index.js";
import type { View } from "./judge.js";
import type { World } from "./world.js";

/** A reader who keeps a map of their own by the changes that a replica tells. */
export class Mirror {
  readonly #world: World;
  readonly #replica: Replica;
  readonly #clock: Clock;
  readonly #pauseMs: number;
  readonly #maxQueued: number;
  readonly #end = new AbortController();
  #entries = new Map<string, bigint | undefined>();
  #isBusy = false;

  constructor(world: World, replica: Replica, clock: Clock, maxQueued: number, pauseMs: number) {
    this.#world = world;
    this.#replica = replica;
    this.#clock = clock;
    this.#maxQueued = maxQueued;
    this.#pauseMs = pauseMs;
    this.#follow().catch(() => undefined);
  }

  end(): void {
    this.#end.abort();
  }

  /** Whether the map is what the copy shows; what is over is hidden before it is told. */
  check(view: View): void {
    if (this.#isBusy || this.#end.signal.aborted) return;
    const { weights, line } = this.#world.config;
    // What a clock that is ahead has hidden is shown again when it is set back, or when an answer that took its time tells the bucket's.
    const comesAgain = this.#world.isMortal && (weights.clock > 0 || line.mostMs > 0);
    for (const [key, { revision }] of view) {
      if (comesAgain && !this.#entries.has(key)) continue;
      if (this.#entries.get(key) === revision) continue;
      this.#world.found(
        "changes add up",
        `${key} is @${revision}, by the changes @${this.#entries.get(key)}`,
      );
    }
    if (this.#world.isMortal) return;
    for (const key of this.#entries.keys()) {
      if (!view.has(key)) this.#world.found("changes add up", `nothing told that ${key} went`);
    }
  }

  async #follow(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      const changes = this.#replica.changes({ signal, maxQueued: this.#maxQueued });
      this.#entries = new Map(
        Array.from(this.#replica.entries(), ({ key, revision }) => [key, revision]),
      );
      try {
        for await (const batch of changes) {
          for (const { key, entry, previous } of batch) this.#take(key, entry, previous);
          if (this.#pauseMs > 0) {
            this.#isBusy = true;
            await sleep(this.#clock, this.#pauseMs, signal);
            this.#isBusy = false;
          }
        }
        return;
      } catch (error) {
        if (!isMillpondError(error, "missed")) return;
        this.#isBusy = false;
      }
    }
  }

  #take(key: string, entry: ReplicaEntry | undefined, previous: ReplicaEntry | undefined): void {
    const known = this.#entries.get(key);
    // What was over already is not shown by the entries.
    const isHidden = known === undefined && this.#world.isMortal;
    if (previous?.revision !== known && !isHidden) {
      this.#world.found(
        "changes tell what was before",
        `${key} was @${known}, and is told to have been @${previous?.revision}`,
      );
    }
    if (entry === undefined) this.#entries.delete(key);
    else this.#entries.set(key, entry.revision);
  }
}
