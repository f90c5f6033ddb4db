import type { PeerEntry, PeerStore } from "./peer-store.js";
import { CURSOR_KEY, endOf, packed } from "./peer-store.js";
import { requirePeer } from "./require-peer.js";

interface BetterSqlite {
  new (path: string): SqliteDatabase;
}

interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => SqliteDatabase;
}

/** What the two have in common. */
interface SqliteDatabase {
  exec(statements: string): void;
  prepare(statement: string): SqliteStatement;
  close(): void;
}

interface SqliteStatement {
  run(...values: readonly unknown[]): unknown;
  get(...values: readonly unknown[]): unknown;
  all(...values: readonly unknown[]): readonly unknown[];
  iterate(...values: readonly unknown[]): Iterable<unknown>;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = OFF;
  CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
`;

export function openBetterSqlite(path: string): PeerStore {
  const Database = requirePeer("better-sqlite3") as BetterSqlite;
  return sqliteStore(new Database(path));
}

/** Node 22.13 and later. */
export function openNodeSqlite(path: string): PeerStore {
  const { DatabaseSync } = requirePeer("node:sqlite") as NodeSqlite;
  return sqliteStore(new DatabaseSync(path));
}

function sqliteStore(database: SqliteDatabase): PeerStore {
  database.exec(SCHEMA);
  const put = database.prepare("INSERT OR REPLACE INTO entries VALUES (?, ?)");
  const get = database.prepare("SELECT value FROM entries WHERE key = ?");
  const range = database.prepare(
    "SELECT key, value FROM entries WHERE key >= ? AND key < ? ORDER BY key",
  );
  const all = database.prepare("SELECT key, value FROM entries");
  const begin = database.prepare("BEGIN");
  const commit = database.prepare("COMMIT");
  return {
    apply(updates, cursor) {
      begin.run();
      for (const update of updates) put.run(update.key, packed(update));
      put.run(CURSOR_KEY, cursor.toBytes());
      commit.run();
    },
    get: (key) => (get.get(key) as PeerEntry | undefined)?.value,
    range: (prefix) => range.all(prefix, endOf(prefix)) as readonly PeerEntry[],
    loadAll() {
      const entries = new Map<string, Uint8Array>();
      for (const row of all.iterate()) {
        const { key, value } = row as PeerEntry;
        entries.set(key, value);
      }
      return entries;
    },
    close: () => database.close(),
  };
}
