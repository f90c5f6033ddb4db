import type { SnapshotStore } from "../../src/store/index.js";
import {
  type KvEntry,
  type KvUpdate,
  type PositionDetails,
  WatchCursor,
} from "../../src/values/index.js";
import { compareKeys } from "../../src/rules/index.js";

export interface Write {
  readonly updates: readonly KvUpdate[];
  readonly cursor: WatchCursor;
}

/** A store in memory that keeps what it was given, and refuses on demand. */
export class MemoryStore implements SnapshotStore {
  readonly writes: Write[] = [];
  readonly entries = new Map<string, KvEntry>();
  /** How often a write was tried. */
  attempts = 0;
  /** Thrown by every write while it is set. */
  error: unknown;
  position = WatchCursor.none;
  timeNs = 0n;
  holdsOrigin = false;
  #origin: string | undefined;

  static of(entries: readonly KvEntry[], cursor = WatchCursor.none): MemoryStore {
    const store = new MemoryStore();
    for (const { key, value, version, timeMs, ttlMs } of entries) {
      store.entries.set(key, {
        key,
        value,
        version,
        ...(timeMs === undefined ? {} : { timeMs }),
        ...(ttlMs === undefined ? {} : { ttlMs }),
      });
    }
    store.position = cursor;
    return store;
  }

  get size(): number {
    return this.entries.size;
  }

  cursor(): WatchCursor {
    return this.position;
  }

  cursorTimeNs(): bigint {
    return this.timeNs;
  }

  get(key: string): KvEntry | undefined {
    return this.entries.get(key);
  }

  range(prefix: string): KvEntry[] {
    return [...this.entries.values()]
      .filter(({ key }) => key.startsWith(prefix))
      .toSorted((a, b) => compareKeys(a.key, b.key));
  }

  forEachInRange(prefix: string, visit: (entry: KvEntry) => void): void {
    for (const entry of this.range(prefix)) visit(entry);
  }

  origin(): string | undefined {
    return this.#origin;
  }

  async apply(
    updates: readonly KvUpdate[],
    cursor: WatchCursor,
    { origin, cursorTimeNs = 0n }: PositionDetails = {},
  ): Promise<void> {
    this.attempts += 1;
    if (this.error !== undefined) throw this.error;
    this.writes.push({ updates: [...updates], cursor });
    for (const update of updates) {
      if (update.kind === "put") this.entries.set(update.key, update);
      else this.entries.delete(update.key);
    }
    this.position = cursor;
    this.timeNs = cursorTimeNs;
    this.#origin = origin ?? this.#origin;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
