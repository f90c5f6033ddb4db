import type { KvEntry } from "../values/index.js";
import type { ReplicaEntry } from "./replica.js";

export function withRevision(entry: KvEntry): ReplicaEntry {
  return { ...entry, revision: entry.version.toU64() };
}

export function* withRevisions(entries: Iterable<KvEntry>): Iterable<ReplicaEntry> {
  for (const entry of entries) yield withRevision(entry);
}
