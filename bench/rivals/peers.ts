import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLevel } from "./classic-level.js";
import { openLmdb } from "./lmdb.js";
import type { PeerStore } from "./peer-store.js";
import { PEERS_DIRECTORY } from "./require-peer.js";
import { openBetterSqlite, openNodeSqlite } from "./sqlite.js";

export type PeerName = "lmdb" | "classic-level" | "better-sqlite3" | "node:sqlite";

export const PEER_NAMES: readonly PeerName[] = [
  "lmdb",
  "classic-level",
  "better-sqlite3",
  "node:sqlite",
];

/** The path may have nothing yet; what is made there is a file or a directory, as the peer likes. */
const openers: Record<PeerName, (path: string) => PeerStore | Promise<PeerStore>> = {
  lmdb: openLmdb,
  "classic-level": openLevel,
  "better-sqlite3": openBetterSqlite,
  "node:sqlite": openNodeSqlite,
};

export async function openPeer(name: PeerName, path: string): Promise<PeerStore> {
  return await openers[name](path);
}

/** Why the peer cannot be measured here; undefined where it can. */
export async function whyAbsent(name: PeerName): Promise<string | undefined> {
  const directory = await mkdtemp(join(tmpdir(), "millpond-bench-"));
  try {
    const store = await openPeer(name, join(directory, "probe"));
    await store.close();
    return undefined;
  } catch (error) {
    const [line = ""] = (error as Error).message.split("\n");
    return `not installed: ${line.replaceAll(PEERS_DIRECTORY, "…")}`;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
