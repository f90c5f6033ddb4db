import { Arena, type ArenaOptions } from "../kernel/index.js";
import { type LogVisitor, settleInTurns } from "../log/index.js";
import type { Random } from "../platform/index.js";
import { type KvUpdate, type LogPosition, WatchCursor } from "../values/index.js";

const NOWHERE: LogPosition = { cursor: WatchCursor.none, cursorTimeNs: 0n, origin: undefined };
const SEEDS = 2 ** 32;

/** An empty arena whose hash nobody can foresee. `maxBytes`: default and most, the arena's own. */
export function newArena(random: Random, maxBytes?: number): Arena {
  const options: ArenaOptions = { seed: Math.floor(random() * SEEDS) };
  return new Arena(maxBytes === undefined ? options : { ...options, maxBytes });
}

/** Brings what a log holds into memory: frame by frame where its format is the memory's own. */
export class ArenaLoader implements LogVisitor {
  readonly entries: Arena;
  /** By `position`, and no batch that might have one has come since. */
  #told: LogPosition | undefined;
  #steps = 0;

  constructor(entries: Arena) {
    this.entries = entries;
  }

  /** Where the log stands, as far as it is read. */
  get reached(): LogPosition {
    return this.#told ?? this.entries.position() ?? NOWHERE;
  }

  /** Another number once more of the log was taken. */
  get steps(): number {
    return this.#steps;
  }

  update(update: KvUpdate): void {
    this.entries.apply(update);
    this.#steps += 1;
  }

  position(position: LogPosition): void {
    this.#told = position;
    this.#steps += 1;
  }

  batch(body: Uint8Array): void {
    this.entries.stage(body);
    this.entries.commit();
    this.#told = undefined;
    this.#steps += 1;
  }

  walk(bytes: Uint8Array, offset: number, salt: Uint8Array): number {
    this.#steps += 1;
    return this.entries.walk(bytes, offset, salt);
  }

  /** Puts the keys into order where the log had them in none, giving way to other work. */
  settle(): Promise<void> {
    return settleInTurns(this.entries);
  }
}
