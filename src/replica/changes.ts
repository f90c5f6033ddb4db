import { sameRecord } from "../rules/index.js";
import type { KvEntry, KvUpdate, RemovalReason } from "../values/index.js";
import type { ReplicaEntry } from "./replica.js";

/** What {@link Replica.changes} is given. */
export interface ChangesOptions {
  /** Only keys that start with this. Default: every key of the copy. */
  readonly prefix?: string;
  /** Ends the iteration, which throws the signal's reason. */
  readonly signal?: AbortSignal;
  /** Most changes that wait to be taken. Default 10,000; at least 1. One batch more may wait. */
  readonly maxQueued?: number;
  /** Most bytes of keys and values, new and old, that wait. Default 64 MiB; at least 1. One batch more may wait. */
  readonly maxQueuedBytes?: number;
}

/** A key whose value in the copy has changed. What it holds is the caller's own. */
export interface ReplicaChange {
  readonly key: string;
  /** `put`, or why the key has no value any more. */
  readonly reason: "put" | RemovalReason;
  /** What the key has now; `undefined` after a removal. */
  readonly entry: ReplicaEntry | undefined;
  /** What it had before; `undefined` where it had nothing. */
  readonly previous: ReplicaEntry | undefined;
  /** Of the put or the removal; `undefined` where a comparison or the clock found that the key is gone. */
  readonly revision: bigint | undefined;
}

/** One step of the copy: what was put and removed in it became readable at once. Never empty; a key may come more than once. */
export type ChangeBatch = readonly ReplicaChange[];

/** A change as it is passed around, its values not to be given to anybody. */
export interface CapturedChange {
  readonly update: KvUpdate;
  readonly previous: KvEntry | undefined;
}

/**
 * What a batch changes in a copy, before it is applied. A removal of what is not there, and a put that is there already, change
 * nothing.
 */
export function captureChanges(
  copy: { get(key: string): KvEntry | undefined },
  updates: readonly KvUpdate[],
): CapturedChange[] {
  const within = new Map<string, KvUpdate>();
  const changes: CapturedChange[] = [];
  for (const update of updates) {
    const { key, kind } = update;
    const earlier = within.get(key);
    const previous = earlier === undefined ? copy.get(key) : valueOf(earlier);
    within.set(key, update);
    const isThere = previous !== undefined && kind === "put" && sameRecord(previous, update);
    if (isThere || (kind !== "put" && previous === undefined)) continue;
    changes.push({ update, previous });
  }
  return changes;
}

/** With values of its own. */
export function changeOf({ update, previous }: CapturedChange): ReplicaChange {
  const { key, version } = update;
  return {
    key,
    reason: update.kind === "put" ? "put" : (update.reason ?? defaultReason(update.kind)),
    entry: update.kind === "put" ? ownEntry(update) : undefined,
    previous: previous && ownEntry(previous),
    revision: version.toU64(),
  };
}

/** What it takes to keep the change waiting. */
export function bytesOfChange({ update, previous }: CapturedChange): number {
  const value = update.kind === "put" ? update.value.length : 0;
  return update.key.length + value + (previous?.value.length ?? 0);
}

function defaultReason(kind: "delete" | "purge"): RemovalReason {
  return kind === "delete" ? "deleted" : "purged";
}

function valueOf(update: KvUpdate): KvEntry | undefined {
  return update.kind === "put" ? update : undefined;
}

function ownEntry({ key, value, version, timeMs, ttlMs }: KvEntry): ReplicaEntry {
  return {
    key,
    // Not `slice`: a Buffer's gives a view.
    value: new Uint8Array(value),
    version,
    revision: version.toU64(),
    ...(timeMs === undefined ? {} : { timeMs }),
    ...(ttlMs === undefined ? {} : { ttlMs }),
  };
}
