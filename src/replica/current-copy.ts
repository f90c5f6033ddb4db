import type { MillpondError } from "../errors/index.js";
import { compareKeys } from "../rules/index.js";
import type { SnapshotStore } from "../store/index.js";
import type { KvEntry, KvPut, KvUpdate, PositionDetails, WatchCursor } from "../values/index.js";

/**
 * The copy as it is read: the store, and over it what has been applied and the store has not taken yet. That is one batch for
 * a moment, or what piled up while the store fails: reads must not stand still with the position. The updates held over the
 * store are the very objects that the watch will give to it, which is how those that it took are told from newer ones.
 */
export class CurrentCopy implements SnapshotStore {
  readonly #store: SnapshotStore;
  readonly #ahead = new Map<string, KvUpdate>();

  readonly #note: { readonly text: string | undefined };

  /** `note`: what the positions that the store is given belong to. */
  constructor(store: SnapshotStore, note: { readonly text: string | undefined }) {
    this.#store = store;
    this.#note = note;
  }

  /** Makes the updates visible. */
  show(updates: readonly KvUpdate[]): void {
    for (const update of updates) this.#ahead.set(update.key, update);
  }

  async apply(
    batch: readonly KvUpdate[],
    cursor: WatchCursor,
    { cursorTimeNs = 0n }: PositionDetails = {},
  ): Promise<void> {
    const origin = this.#note.text;
    await this.#store.apply(batch, cursor, {
      cursorTimeNs,
      ...(origin === undefined ? {} : { origin }),
    });
    for (const update of batch) {
      if (this.#ahead.get(update.key) === update) this.#ahead.delete(update.key);
    }
  }

  get(key: string): KvEntry | undefined {
    const ahead = this.#ahead.get(key);
    if (ahead === undefined) return this.#store.get(key);
    return ahead.kind === "put" ? entryOf(ahead) : undefined;
  }

  /** As it is at the call, like the store's: asked for here and now, not when the walk begins. */
  range(prefix: string): Iterable<KvEntry> {
    const ahead = [...this.#ahead.values()]
      .filter(({ key }) => key.startsWith(prefix))
      .toSorted((a, b) => compareKeys(a.key, b.key));
    const stored = this.#store.range(prefix);
    return ahead.length === 0 ? stored : overlaid(stored, ahead);
  }

  forEachInRange(prefix: string, visit: (entry: KvEntry) => void): void {
    for (const entry of this.range(prefix)) visit(entry);
  }

  cursor(): WatchCursor {
    return this.#store.cursor();
  }

  cursorTimeNs(): bigint {
    return this.#store.cursorTimeNs?.() ?? 0n;
  }

  get size(): number {
    let size = this.#store.size;
    for (const { key, kind } of this.#ahead.values()) {
      const stored = this.#store.get(key) !== undefined;
      if (stored && kind !== "put") size -= 1;
      if (!stored && kind === "put") size += 1;
    }
    return size;
  }

  get compactionError(): MillpondError | undefined {
    return this.#store.compactionError;
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Both ascending by key; where a key is in both, the update counts. */
function* overlaid(stored: Iterable<KvEntry>, ahead: readonly KvUpdate[]): Generator<KvEntry> {
  let next = 0;
  for (const entry of stored) {
    for (; next < ahead.length; next += 1) {
      const update = ahead[next] as KvUpdate;
      if (compareKeys(update.key, entry.key) >= 0) break;
      if (update.kind === "put") yield entryOf(update);
    }
    // A key that is also ahead comes with the next entry, or after the last.
    if (ahead[next]?.key !== entry.key) yield entry;
  }
  for (const update of ahead.slice(next)) if (update.kind === "put") yield entryOf(update);
}

function entryOf({ key, value, version, timeMs, ttlMs }: KvPut): KvEntry {
  return {
    key,
    // Not `slice`: a Buffer's gives a view.
    value: new Uint8Array(value),
    version,
    ...(timeMs === undefined ? {} : { timeMs }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
  };
}
