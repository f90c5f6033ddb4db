import type { PeerEntry, PeerStore } from "./peer-store.js";
import { CURSOR_KEY, endOf, packed } from "./peer-store.js";
import { requirePeer } from "./require-peer.js";

/** As much of the package as is used here. */
interface LmdbModule {
  open(options: {
    readonly path: string;
    readonly encoding: "binary";
    readonly noSync: boolean;
    readonly compression: boolean;
  }): LmdbDatabase;
}

interface LmdbDatabase {
  transactionSync(work: () => void): void;
  put(key: string, value: Uint8Array): unknown;
  get(key: string): Uint8Array | undefined;
  getRange(range?: { readonly start: string; readonly end: string }): Iterable<PeerEntry>;
  close(): Promise<void>;
}

/** Synchronous transactions: on the machine at hand they took no longer than its asynchronous ones. */
export function openLmdb(path: string): PeerStore {
  const lmdb = requirePeer("lmdb") as LmdbModule;
  const database = lmdb.open({ path, encoding: "binary", noSync: true, compression: false });
  return {
    apply(updates, cursor) {
      database.transactionSync(() => {
        for (const update of updates) void database.put(update.key, packed(update));
        void database.put(CURSOR_KEY, cursor.toBytes());
      });
    },
    get: (key) => database.get(key),
    range: (prefix) => [...database.getRange({ start: prefix, end: endOf(prefix) })],
    loadAll() {
      const entries = new Map<string, Uint8Array>();
      for (const { key, value } of database.getRange()) entries.set(key, value);
      return entries;
    },
    close: () => database.close(),
  };
}
