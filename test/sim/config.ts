import type { BucketConfig } from "../../src/kv/index.js";
import { integerBelow, randomFor } from "../../src/testing/simulation/random.js";

/** What one run is made of. Plain data: it is part of a script. */
export interface SimConfig {
  readonly bucket: BucketConfig;
  readonly keys: number;
  /** Largest value, in bytes. */
  readonly valueBytes: number;
  /** Mean virtual milliseconds from one action to the next. */
  readonly pauseMs: number;
  readonly replica: {
    readonly format: 2 | 3;
    readonly durability: "process" | "power";
    readonly expiry: "mirror" | "retain";
    /** Left out: every key. */
    readonly scope?: readonly string[];
    readonly countIntervalMs: number;
    readonly compactThreshold: number;
    readonly windowMs: number;
    readonly maxUpdates: number;
    readonly queueCapacity: number;
    readonly maxHeldUpdates: number;
  };
  readonly followers: number;
  readonly pollMs: number;
  /** Whether a service of `watchApplied` runs beside the replica. */
  readonly hasService: boolean;
  /** Most milliseconds that a message takes, and the chance that it takes any. */
  readonly line: Delay & { readonly readAhead: number; readonly duplicates: number };
  readonly disk: Delay;
  /** Of what happens to the disk there is only one: writes that fail for a while. */
  readonly isSickDisk?: boolean;
  /** How often each kind of action comes, relative to the others. */
  readonly weights: Readonly<Record<Weighted, number>>;
}

interface Delay {
  readonly mostMs: number;
  readonly chance: number;
}

/** Kinds of actions that come together. */
export type Weighted =
  | "write"
  | "burst"
  | "operator"
  | "recreate"
  | "line"
  | "process"
  | "power"
  | "disk"
  | "rot"
  | "clock"
  | "api";

const FORMATS = [3, 3, 2] as const;

/**
 * The configuration of a seed. Each seed is a campaign of its own: some are calm but for one kind of fault, some have all of them. One
 * in eight has a disk on which writes fail and are tried again, and one in eight a log that goes bad and is read again.
 */
export function configOf(seed: number): SimConfig {
  const kind = integerBelow(randomFor(seed, "kind"), 8);
  const config = mixedConfigOf(seed);
  if (kind === 0) return sickDisk(config);
  return kind === 1 ? rotting(config) : config;
}

const CALM: SimConfig["weights"] = {
  write: 60,
  burst: 0,
  operator: 0,
  recreate: 0,
  line: 0,
  process: 0,
  power: 0,
  disk: 0,
  rot: 0,
  clock: 0,
  api: 3,
};

/** A write takes time, fails and is tried again, while updates of the same few keys go on coming. */
function sickDisk(config: SimConfig): SimConfig {
  return {
    ...config,
    keys: 4,
    replica: {
      ...config.replica,
      durability: "power",
      windowMs: 0,
      maxUpdates: Math.min(3, config.replica.maxUpdates),
    },
    followers: 1,
    disk: { mostMs: 300, chance: 1 },
    isSickDisk: true,
    weights: { ...CALM, burst: 1, disk: 6, process: 0.5, power: 0.5 },
  };
}

/** No compaction puts anything else in the place of what goes bad. */
function rotting(config: SimConfig): SimConfig {
  return {
    ...config,
    replica: { ...config.replica, compactThreshold: 10_000_000 },
    disk: { mostMs: 0, chance: 0 },
    weights: { ...CALM, rot: 4, process: 1 },
  };
}

function mixedConfigOf(seed: number): SimConfig {
  const random = randomFor(seed, "config");
  const below = (count: number): number => integerBelow(random, count);
  const chance = (share: number): boolean => random() < share;
  const one = <T>(choices: readonly T[]): T => choices[below(choices.length)] as T;
  const bucket: BucketConfig = {
    history: one([1, 1, 1, 2, 5]),
    ...(chance(0.3) ? { maxAgeMs: one([5_000, 30_000, 120_000]) } : {}),
    ...(chance(0.4) ? { markerTtlMs: one([1_000, 5_000, 60_000]) } : {}),
    ...(chance(0.2) ? { discard: "old" as const, maxBytes: one([2_000, 6_000]) } : {}),
  };
  return {
    bucket,
    keys: one([4, 12, 24, 40]),
    valueBytes: one([8, 40, 300, 1500]),
    pauseMs: one([20, 100, 300, 1000]),
    replica: {
      format: one(FORMATS),
      durability: one(["process", "power"]),
      expiry: chance(0.2) ? "retain" : "mirror",
      ...(chance(0.3) ? { scope: one([["a."], ["a.", "b."], ["b.1"]]) } : {}),
      countIntervalMs: one([1000, 3000, 10_000, 60_000]),
      compactThreshold: one([1, 1_000, 8_000, 10_000_000]),
      windowMs: one([0, 0, 10, 100]),
      maxUpdates: one([1, 3, 100]),
      queueCapacity: one([1, 4, 256]),
      maxHeldUpdates: one([1, 20, 10_000]),
    },
    followers: one([0, 1, 1, 2]),
    pollMs: one([25, 100, 400, 2000]),
    hasService: chance(0.5),
    line: {
      mostMs: one([0, 5, 50, 400]),
      chance: one([0.05, 0.5, 1]),
      readAhead: one([0, 0, 2]),
      duplicates: one([0, 0.2]),
    },
    disk: { mostMs: one([0, 2, 30, 300]), chance: one([0.05, 0.5, 1]) },
    weights: weightsOf(chance, one),
  };
}

function weightsOf(
  chance: (share: number) => boolean,
  one: <T>(choices: readonly T[]) => T,
): Readonly<Record<Weighted, number>> {
  const some = (share: number, ...weights: number[]): number => (chance(share) ? one(weights) : 0);
  return {
    write: 60,
    burst: some(0.5, 1, 4),
    operator: some(0.6, 1, 4),
    recreate: some(0.4, 0.3, 1.5),
    line: some(0.7, 1, 5),
    process: some(0.8, 1, 4),
    power: some(0.5, 0.5, 2),
    disk: some(0.6, 1, 4),
    rot: some(0.3, 1, 4),
    clock: some(0.3, 0.5, 2),
    api: some(0.8, 3, 8),
  };
}
