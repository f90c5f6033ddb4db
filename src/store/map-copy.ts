import { putRecordBytes } from "../log/index.js";
import type { KvEntry, KvUpdate } from "../values/index.js";
import type { MemoryCopy } from "./memory-copy.js";
import { OrderedKeys } from "./ordered-keys.js";

/** The plain {@link MemoryCopy}: a `Map` and a list of keys in order. */
export class MapCopy implements MemoryCopy {
  readonly #entries = new Map<string, KvEntry>();
  readonly #order = new OrderedKeys((key) => this.#entries.has(key));
  #recordBytes = 0;

  get size(): number {
    return this.#entries.size;
  }

  get recordBytes(): number {
    return this.#recordBytes;
  }

  apply(update: KvUpdate): void {
    const { key } = update;
    const before = this.#entries.get(key);
    if (before !== undefined) this.#recordBytes -= recordBytesOf(before);
    if (update.kind !== "put") {
      this.#entries.delete(key);
      return;
    }
    const entry = { key, value: update.value, version: update.version };
    this.#entries.set(key, entry);
    this.#recordBytes += recordBytesOf(entry);
    if (before === undefined) this.#order.add(key);
  }

  get(key: string): KvEntry | undefined {
    const entry = this.#entries.get(key);
    return entry === undefined ? undefined : ownCopy(entry);
  }

  range(prefix: string): Iterable<KvEntry> {
    return copiesOf(this.#inOrder(prefix));
  }

  get needsSettling(): boolean {
    return this.#order.needsSettling;
  }

  settle(): Promise<void> {
    return this.#order.settle();
  }

  *borrowSettled(): Generator<KvEntry> {
    for (const key of this.#order.settled()) {
      const entry = this.#entries.get(key);
      if (entry !== undefined) yield entry;
    }
  }

  /** An entry is never changed, only replaced, so the list stays as it is now. */
  #inOrder(prefix: string): KvEntry[] {
    return this.#order
      .withPrefix(prefix)
      .map((key) => this.#entries.get(key))
      .filter((entry) => entry !== undefined);
  }
}

function* copiesOf(entries: readonly KvEntry[]): Generator<KvEntry> {
  for (const entry of entries) yield ownCopy(entry);
}

/** Not by `slice`, which on a Node `Buffer` gives a view. */
function ownCopy(entry: KvEntry): KvEntry {
  return { ...entry, value: new Uint8Array(entry.value) };
}

function recordBytesOf(entry: KvEntry): number {
  return putRecordBytes(Buffer.byteLength(entry.key), entry.value.length, entry.version.length);
}
