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
    /** The longest that it waits before it tries again; left out: as long as it does by itself. */
    readonly retryMs?: number;
  };
  readonly followers: number;
  readonly pollMs: number;
  /** Whether a service of `watchApplied` runs beside the replica. */
  readonly hasService: boolean;
  /** Most milliseconds that a message takes, and the chance that it takes any. */
  readonly line: Delay & { readonly readAhead: number; readonly duplicates: number };
  readonly disk: Delay;
  /** Where one thing is tried more than all else; left out: a mix. */
  readonly campaign?: Campaign;
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

/** What some seeds try more than all else: situations that a mix has too seldom to meet what can go wrong in them. */
export type Campaign = (typeof CAMPAIGNS)[number];

const FORMATS = [3, 3, 2] as const;
export const CAMPAIGNS = [
  "sick disk",
  "rotting log",
  "lost in silence",
  "stalled",
  "late words",
  "dark starts",
  "made again",
  "growing old",
] as const;

/** The configuration of a seed. Every other one is a mix of all there is, some of them calm but for one kind of fault; the rest take turns. */
export function configOf(seed: number): SimConfig {
  const mixed = mixedConfigOf(seed);
  const campaign = seed % 2 === 0 ? undefined : CAMPAIGNS[(seed >> 1) % CAMPAIGNS.length];
  return campaign === undefined ? mixed : { ...ofCampaign(campaign, mixed), campaign };
}

function ofCampaign(campaign: Campaign, config: SimConfig): SimConfig {
  switch (campaign) {
    case "sick disk":
      return sickDisk(config);
    case "rotting log":
      return rotting(config);
    case "lost in silence":
      return lostInSilence(config);
    case "stalled":
      return stalled(config);
    case "late words":
      return lateWords(config);
    case "dark starts":
      return darkStarts(config);
    case "made again":
      return madeAgain(config);
    case "growing old":
      return growingOld(config);
  }
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

/** A write takes time, fails and is tried again, while updates go on coming. */
function sickDisk(config: SimConfig): SimConfig {
  const { replica, pauseMs, line } = config;
  return {
    ...config,
    // Few, and each is written again meanwhile; or more, and what a batch had of them is still their last.
    keys: config.keys > 12 ? 24 : 4,
    pauseMs: Math.min(100, pauseMs),
    replica: {
      ...replica,
      durability: "power",
      windowMs: 0,
      maxUpdates: Math.min(3, replica.maxUpdates),
      // Else the flow stands still after a moment, and nothing comes meanwhile.
      maxHeldUpdates: Math.max(20, replica.maxHeldUpdates),
      retryMs: 500,
    },
    followers: 1,
    pollMs: Math.min(100, config.pollMs),
    line: { ...line, mostMs: Math.min(5, line.mostMs) },
    disk: { mostMs: 100, chance: 1 },
    weights: { ...CALM, burst: 0.3, disk: 6, process: 1, power: 0.5 },
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

/** Keys go without a word, most of them while nobody listens. */
function lostInSilence(config: SimConfig): SimConfig {
  return {
    ...config,
    keys: Math.min(12, config.keys),
    pauseMs: Math.max(300, config.pauseMs),
    replica: { ...config.replica, expiry: "mirror" },
    // To ask what was lost takes time, in which nothing may be claimed.
    line: { ...config.line, mostMs: Math.max(5, config.line.mostMs), chance: 1 },
    disk: { mostMs: 0, chance: 0 },
    weights: { ...CALM, operator: 6, line: 1, process: 1 },
  };
}

/** The store takes nothing for long, while more and more comes. */
function stalled(config: SimConfig): SimConfig {
  const { replica } = config;
  return {
    ...config,
    replica: {
      ...replica,
      windowMs: 0,
      maxUpdates: Math.min(3, replica.maxUpdates),
      queueCapacity: Math.min(4, replica.queueCapacity),
      maxHeldUpdates: Math.min(20, replica.maxHeldUpdates),
    },
    line: { ...config.line, mostMs: Math.min(5, config.line.mostMs) },
    disk: { mostMs: 0, chance: 0 },
    weights: { ...CALM, disk: 0.2, process: 0.2 },
  };
}

/** What the source says waits for a slow disk, while the line is lost for moments. */
function lateWords(config: SimConfig): SimConfig {
  const { replica } = config;
  return {
    ...config,
    pauseMs: Math.min(300, config.pauseMs),
    replica: {
      ...replica,
      durability: "power",
      windowMs: 0,
      maxUpdates: Math.min(3, replica.maxUpdates),
      // Where it is full the watch is not asked, and tells nothing of a line that was lost and is back.
      queueCapacity: replica.queueCapacity === 256 ? 256 : 1,
    },
    line: { ...config.line, mostMs: Math.min(50, config.line.mostMs) },
    disk: { mostMs: 300, chance: 1 },
    weights: { ...CALM, burst: 2, line: 6, disk: 1 },
  };
}

/** The power goes, and nobody can be asked when it is back. */
function darkStarts(config: SimConfig): SimConfig {
  return {
    ...config,
    pauseMs: Math.max(300, config.pauseMs),
    // Nothing but its compactions makes the log safe: what is left of it has a position, and lacks what came since.
    replica: { ...config.replica, durability: "process", compactThreshold: 1000 },
    disk: { mostMs: 0, chance: 0 },
    weights: { ...CALM, power: 1, process: 0.5 },
  };
}

/** The bucket becomes another one, and who keeps the copy dies while it is made that. */
function madeAgain(config: SimConfig): SimConfig {
  const forgets = config.bucket.markerTtlMs !== undefined;
  return {
    ...config,
    pauseMs: Math.min(300, config.pauseMs),
    replica: {
      ...config.replica,
      // What it would keep of a bucket that forgets must not be another one's. Format 2 notes whose it is at another moment than its position.
      ...(forgets ? { expiry: "retain", format: 2 } : { expiry: "mirror" }),
    },
    line: { ...config.line, mostMs: Math.max(50, config.line.mostMs), chance: 1 },
    disk: { mostMs: 30, chance: 0.5 },
    // Audits are under way most of the time.
    weights: { ...CALM, recreate: 3, process: 4, api: 20 },
  };
}

/** What is in the bucket is over soon, and the machine's clock is set. */
function growingOld(config: SimConfig): SimConfig {
  const { bucket } = config;
  const pauseMs = Math.max(300, config.pauseMs);
  return {
    ...config,
    bucket: { ...bucket, maxAgeMs: Math.min(30_000, bucket.maxAgeMs ?? Infinity) },
    pauseMs,
    replica: {
      ...config.replica,
      expiry: "mirror",
      countIntervalMs: Math.max(10_000, config.replica.countIntervalMs),
    },
    // Little else goes on, so that a run is minutes.
    followers: 0,
    hasService: false,
    disk: { mostMs: 0, chance: 0 },
    // One of them in some eighty seconds: that somebody has set the clock is noticed within half a minute.
    weights: { ...CALM, line: pauseMs / 1300, process: pauseMs / 1300, clock: pauseMs / 1300 },
  };
}

/**
 * With a history a record that goes may uncover an older one, so that no count sees it: then audits come by themselves. Elsewhere they would hide
 * that a count does not find what it should.
 */
export function auditIntervalOf({ bucket: { history = 1 }, replica }: SimConfig): number {
  return history > 1 ? 40 * replica.countIntervalMs : Infinity;
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
