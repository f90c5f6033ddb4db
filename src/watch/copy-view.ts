import { inScope, prefixesOf, type WatchScope } from "../kv/index.js";
import type { SnapshotStore } from "../store/snapshot-store.js";
import type { KvEntry } from "../values/index.js";
import type { StoreWriter } from "./store-writer.js";

/** The copy as it stands once all that was applied is in the store, which may be behind. */
export class CopyView {
  readonly #store: SnapshotStore | undefined;
  readonly #knownKeys: (() => Iterable<string>) | undefined;
  readonly #writer: StoreWriter;
  readonly #scope: WatchScope;

  constructor(
    store: SnapshotStore | undefined,
    knownKeys: (() => Iterable<string>) | undefined,
    writer: StoreWriter,
    scope: WatchScope,
  ) {
    this.#store = store;
    this.#knownKeys = knownKeys;
    this.#writer = writer;
    this.#scope = scope;
  }

  /** Whether its keys can be told, so that it can be repaired. */
  get hasKeys(): boolean {
    return this.#store !== undefined || this.#knownKeys !== undefined;
  }

  /** Whether its entries can be told, so that it can be compared by versions. */
  get hasEntries(): boolean {
    return this.#store !== undefined;
  }

  /** Whether every key that it may have has an entry to be told: where the caller names the keys, some may be in his state alone. */
  get hasEntryOfEach(): boolean {
    return this.hasEntries && this.#knownKeys === undefined;
  }

  /** Number of entries in the store, whatever their scope; not of what it has not taken yet. */
  get storedSize(): number {
    return this.#store?.size ?? 0;
  }

  holdsAnything(): boolean {
    const [first] = this.keys();
    return first !== undefined;
  }

  get(key: string): KvEntry | undefined {
    const held = this.#writer.held.get(key);
    if (held === undefined) return this.#store?.get(key);
    return held.kind === "put" ? held : undefined;
  }

  /** Every key that the copy has, and perhaps some that it has not: a key too many costs a delete of nothing. */
  *keys(): Iterable<string> {
    for (const { key, kind } of this.#writer.held.values()) if (kind === "put") yield key;
    if (this.#knownKeys !== undefined) yield* this.#knownKeys();
    else for (const { key } of this.#stored()) yield key;
  }

  /** Every entry in scope, in no order. */
  *entries(): Iterable<KvEntry> {
    const { held } = this.#writer;
    for (const update of held.values()) if (update.kind === "put") yield update;
    for (const entry of this.#stored()) if (!held.has(entry.key)) yield entry;
  }

  /** How many entries of the store are not in scope: another one's, which the watch leaves alone. */
  *outOfScope(): Iterable<boolean> {
    if (this.#scope.kind === "all" || this.#store === undefined) return;
    for (const { key } of this.#store.range("")) yield !inScope(this.#scope, key);
  }

  *#stored(): Iterable<KvEntry> {
    if (this.#store === undefined) return;
    for (const prefix of prefixesOf(this.#scope)) yield* this.#store.range(prefix);
  }
}
