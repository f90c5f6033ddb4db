import type { BucketLimits } from "../kv/index.js";

/**
 * Whether what a bucket removed by itself while a copy was not watching still shows in its records. Where a time to live leaves no
 * marker, or the markers are gone by then, a removed key is as if it had never been. `offlineMs`: since the position was taken;
 * `undefined` where that is not known, which counts as long. What people purge can go at any time, and is found by counting.
 */
export function markersOutlast(
  offlineMs: number | undefined,
  limits: BucketLimits | undefined,
): boolean {
  if (limits === undefined) return false;
  const { allowsTtl, maxAgeMs, markerTtlMs } = limits;
  if (!allowsTtl && maxAgeMs === undefined) return true;
  if (offlineMs === undefined) return false;
  // A marker that somebody's delete left is as old as any record may get.
  const byAge = maxAgeMs ?? Infinity;
  const byMarker = allowsTtl ? (markerTtlMs ?? 0) : Infinity;
  return offlineMs < Math.min(byAge, byMarker);
}
