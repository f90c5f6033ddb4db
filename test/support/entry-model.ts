import type { KvEntry, KvUpdate } from "../../src/values/index.js";

/** What a copy in memory has to hold, kept in the most obvious way: a map, sorted anew for each walk. */
export class EntryModel {
  readonly #entries = new Map<string, KvEntry>();

  get size(): number {
    return this.#entries.size;
  }

  /** As records of format v3. */
  get recordBytes(): number {
    let bytes = 0;
    for (const { key, value, version, timeMs, ttlMs } of this.#entries.values()) {
      bytes += 8 + Buffer.byteLength(key) + value.length + version.length;
      bytes += (timeMs === undefined ? 0 : 8) + (ttlMs === undefined ? 0 : 8);
    }
    return bytes;
  }

  apply(update: KvUpdate): void {
    if (update.kind === "put") {
      const { kind: _, ...entry } = update;
      this.#entries.set(update.key, { ...entry, value: Uint8Array.from(update.value) });
    } else {
      this.#entries.delete(update.key);
    }
  }

  get(key: string): KvEntry | undefined {
    return this.#entries.get(key);
  }

  keys(): string[] {
    return [...this.#entries.keys()];
  }

  range(prefix: string): KvEntry[] {
    return [...this.#entries.values()]
      .filter(({ key }) => key.startsWith(prefix))
      .map((entry) => ({ entry, bytes: Buffer.from(entry.key) }))
      .toSorted((a, b) => Buffer.compare(a.bytes, b.bytes))
      .map(({ entry }) => entry);
  }
}
