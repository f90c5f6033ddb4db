import type { Campaign, SimConfig } from "../config.js";

// What a run has to have in it, for a fault to show at all.

export function losesPower({ replica, weights }: SimConfig): boolean {
  return replica.durability === "power" && weights.power > 0;
}

export function compacts({ replica }: SimConfig): boolean {
  return replica.compactThreshold < 10_000;
}

export function lineFails({ weights }: SimConfig): boolean {
  return weights.line > 0;
}

export function isMadeAgain({ weights }: SimConfig): boolean {
  return weights.recreate > 0;
}

export function dropsOldest({ bucket, weights }: SimConfig): boolean {
  return bucket.maxBytes !== undefined || bucket.maxAgeMs !== undefined || weights.operator > 0;
}

/** One of the seeds that try just this. */
export function tries(...campaigns: readonly Campaign[]): (config: SimConfig) => boolean {
  return ({ campaign }) => campaign !== undefined && campaigns.includes(campaign);
}
