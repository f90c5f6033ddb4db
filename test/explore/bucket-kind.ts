import type { BucketLimits } from "../../src/kv/index.js";
import { type Evictions, expiresAtMs } from "../../src/rules/index.js";
import { type StreamRecord, TICK_MS } from "./world.js";

/** By what a bucket forgets as time passes. `time to live`: that of a record itself; `markers`: the same, and it says so. */
export type Forgetting = "age" | "time to live" | "markers";

/** What kind of bucket it is, and how it is followed. */
export interface BucketKind {
  /** Default: time changes nothing. */
  readonly forgets?: Forgetting;
  /** Default `mirror`. */
  readonly evictions?: Evictions;
  /** Whether audits take their time, with the flow going on. Default: each is done at once. */
  readonly races?: boolean;
}

const endless: BucketLimits = {
  maxAgeMs: undefined,
  allowsTtl: false,
  markerTtlMs: undefined,
  discardsOld: true,
};
const limits: Record<Forgetting, BucketLimits> = {
  age: { ...endless, maxAgeMs: TICK_MS },
  "time to live": { ...endless, allowsTtl: true },
  markers: { ...endless, allowsTtl: true, markerTtlMs: TICK_MS },
};

export function limitsOf({ forgets }: BucketKind): BucketLimits {
  return forgets === undefined ? endless : limits[forgets];
}

/** What the rules are told of a record's age. */
export function datedOf({ time, isMortal }: StreamRecord): { timeMs: number; ttlMs?: number } {
  return isMortal ? { timeMs: time, ttlMs: TICK_MS } : { timeMs: time };
}

/** By how much a record is past its time; below 0: not yet. */
export function overdueMs(record: StreamRecord, clock: number, kind: BucketKind): number {
  return clock - expiresAtMs(datedOf(record), limitsOf(kind));
}
