import type { PeerStore } from "./peer-store.js";
import { CURSOR_KEY, endOf, packed } from "./peer-store.js";
import { requirePeer } from "./require-peer.js";

interface LevelModule {
  readonly ClassicLevel: new (
    path: string,
    options: { readonly keyEncoding: "utf8"; readonly valueEncoding: "view" },
  ) => LevelDatabase;
}

interface LevelDatabase {
  open(): Promise<void>;
  batch(operations: readonly LevelPut[]): Promise<void>;
  getSync(key: string): Uint8Array | undefined;
  iterator(range?: { readonly gte: string; readonly lt: string }): LevelIterator;
  close(): Promise<void>;
}

interface LevelPut {
  readonly type: "put";
  readonly key: string;
  readonly value: Uint8Array;
}

interface LevelIterator {
  nextv(size: number): Promise<readonly (readonly [key: string, value: Uint8Array])[]>;
  close(): Promise<void>;
}

const AT_A_TIME = 1000;

export async function openLevel(path: string): Promise<PeerStore> {
  const { ClassicLevel } = requirePeer("classic-level") as LevelModule;
  const database = new ClassicLevel(path, { keyEncoding: "utf8", valueEncoding: "view" });
  await database.open();
  return {
    async apply(updates, cursor) {
      const puts = updates.map((update): LevelPut => ({
        type: "put",
        key: update.key,
        value: packed(update),
      }));
      puts.push({ type: "put", key: CURSOR_KEY, value: cursor.toBytes() });
      await database.batch(puts);
    },
    get: (key) => database.getSync(key),
    async range(prefix) {
      const entries: { key: string; value: Uint8Array }[] = [];
      const iterator = database.iterator({ gte: prefix, lt: endOf(prefix) });
      await walk(iterator, (key, value) => entries.push({ key, value }));
      return entries;
    },
    async loadAll() {
      const entries = new Map<string, Uint8Array>();
      await walk(database.iterator(), (key, value) => entries.set(key, value));
      return entries;
    },
    close: () => database.close(),
  };
}

async function walk(
  iterator: LevelIterator,
  visit: (key: string, value: Uint8Array) => void,
): Promise<void> {
  for (;;) {
    const entries = await iterator.nextv(AT_A_TIME);
    if (entries.length === 0) break;
    for (const [key, value] of entries) visit(key, value);
  }
  await iterator.close();
}
