import type { BucketLimits } from "../kv/index.js";
import type { KvEntry, KvRemoval, RemovalReason, WatchCursor } from "../values/index.js";
import { isOlder } from "./cursor-order.js";

/** What a copy does with what the bucket's own limits dropped. */
export type Evictions = "mirror" | "retain";

/**
 * Whether a bucket can drop the last record of a key without being told to: by age, by a time to live, or because it is full. Limits
 * that are not known (`undefined`) count as able to.
 */
export function forgets(limits: BucketLimits | undefined): boolean {
  if (limits === undefined) return true;
  return limits.maxAgeMs !== undefined || limits.discardsOld || limits.allowsTtl;
}

/** Whether a copy keeps what the bucket has no record of, because the bucket's limits may have dropped it. */
export function retains(evictions: Evictions, limits: BucketLimits | undefined): boolean {
  return evictions === "retain" && forgets(limits);
}

/** What is known when an entry is held against a floor. */
export interface FloorFacts {
  readonly floor: WatchCursor;
  readonly evictions: Evictions;
  readonly limits: BucketLimits | undefined;
  /** The bucket's clock, in ms since 1970. */
  readonly serverTimeMs: number;
}

/**
 * Why an entry goes, of a bucket that keeps no record before `floor`; `undefined`: it stays. An entry whose version cannot be
 * compared with the floor stays: nothing is known of it.
 */
export function removalBelowFloor(
  entry: Pick<KvEntry, "version" | "timeMs">,
  { floor, evictions, limits, serverTimeMs }: FloorFacts,
): RemovalReason | undefined {
  if (!isOlder(entry.version, floor) || retains(evictions, limits)) return undefined;
  const { timeMs } = entry;
  const isPastAge =
    limits?.maxAgeMs !== undefined &&
    timeMs !== undefined &&
    timeMs + limits.maxAgeMs <= serverTimeMs;
  return isPastAge ? "expired" : "vanished";
}

/**
 * Whether a state-sync that is complete drops the keys that it did not bring. Where the copy belongs to another bucket or
 * another making of it, always: nothing in it is this bucket's. Else not those that its reader wants kept ({@link retains}).
 */
export function dropsUnseen(
  isForeign: boolean,
  evictions: Evictions,
  limits: BucketLimits | undefined,
): boolean {
  return isForeign || !retains(evictions, limits);
}

/** Whether a copy goes on with a key although the bucket removed it: an expiry, where those are retained. */
export function outlives(removal: Pick<KvRemoval, "reason">, evictions: Evictions): boolean {
  return evictions === "retain" && removal.reason === "expired";
}
