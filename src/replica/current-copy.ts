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
  readonly #ahead = new Ahead();
  readonly #note: { readonly text: string | undefined };

  /** `note`: what the positions that the store is given belong to. */
  constructor(store: SnapshotStore, note: { readonly text: string | undefined }) {
    this.#store = store;
    this.#note = note;
  }

  /** Makes the updates visible. */
  show(updates: readonly KvUpdate[]): void {
    this.#ahead.add(updates);
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
    this.#ahead.remove(batch);
  }

  get(key: string): KvEntry | undefined {
    const ahead = this.#ahead.byKey().get(key);
    if (ahead === undefined) return this.#store.get(key);
    return ahead.kind === "put" ? entryOf(ahead) : undefined;
  }

  /** As it is at the call, like the store's: asked for here and now, not when the walk begins. */
  range(prefix: string): Iterable<KvEntry> {
    const ahead = [...this.#ahead.byKey().values()]
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
    for (const { key, kind } of this.#ahead.byKey().values()) {
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

/** What has been applied and the store has not taken yet. By key only once somebody reads: mostly nobody does before it is taken. */
class Ahead {
  readonly #byKey = new Map<string, KvUpdate>();
  /** Those that are not in there yet, in order. */
  #added: KvUpdate[] = [];

  add(updates: readonly KvUpdate[]): void {
    for (const update of updates) this.#added.push(update);
  }

  /** The last update of each key. */
  byKey(): ReadonlyMap<string, KvUpdate> {
    for (const update of this.#added) this.#byKey.set(update.key, update);
    this.#added = [];
    return this.#byKey;
  }

  /** The store has taken them. */
  remove(updates: readonly KvUpdate[]): void {
    const isAll = this.#byKey.size === 0 && this.#added.length === updates.length;
    if (isAll && updates.every((update, index) => update === this.#added[index])) {
      this.#added = [];
      return;
    }
    this.byKey();
    for (const update of updates) {
      if (this.#byKey.get(update.key) === update) this.#byKey.delete(update.key);
    }
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
