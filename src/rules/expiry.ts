import { TTL_NEVER_MS } from "../values/index.js";

/** What is known of an entry's age. */
export interface Dated {
  /** When the source stored it, in ms since 1970 by the source's clock. */
  readonly timeMs?: number;
  /** How long after that the source drops it. */
  readonly ttlMs?: number;
}

/** By what a bucket forgets entries as they grow old. */
export interface AgeLimits {
  readonly maxAgeMs: number | undefined;
  /** Whether an entry's own time to live counts. */
  readonly allowsTtl: boolean;
}

/**
 * When a bucket with these limits drops the entry, in ms since 1970 by the bucket's clock; `Infinity` where it never does, and
 * where nobody said when the entry was stored. The shorter of the two limits counts, as it does in the server; one that is never to go
 * outlives both.
 */
export function expiresAtMs({ timeMs, ttlMs }: Dated, limits: AgeLimits): number {
  if (timeMs === undefined) return Infinity;
  if (limits.allowsTtl && ttlMs === TTL_NEVER_MS) return Infinity;
  const ttl = limits.allowsTtl ? (ttlMs ?? Infinity) : Infinity;
  return timeMs + Math.min(ttl, limits.maxAgeMs ?? Infinity);
}

/** Whether records of a bucket with these limits may go as they grow old. */
export function growOld({ maxAgeMs, allowsTtl }: AgeLimits): boolean {
  return maxAgeMs !== undefined || allowsTtl;
}
