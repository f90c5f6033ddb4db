import type { FollowerTally } from "./follower-judge.js";
import { phases, type Life, type Phase } from "./life.js";
import { Violation, violationKinds, type ViolationKind } from "./violation.js";

/** What was done to the copies of one kind, and what came of it. */
export class Tally {
  kills = 0;
  readonly phases: Record<Phase, number> = zeros(phases);
  /** Kills while a compact file was being made, and from its rename on until its directory was synced. */
  compacting = 0;
  renaming = 0;
  compactions = 0;
  /** Starts that caught up: from a position, and from none. */
  resumes = 0;
  fills = 0;
  written = 0;
  readonly followers: FollowerTally = {
    looks: 0,
    loads: 0,
    jumps: 0,
    wentBack: 0,
    catchUpMs: 0,
  };
  /** What a disk had that fell ill, how many operations failed, and for how long the store told of it. */
  illnesses = 0;
  faults = 0;
  failingMs = 0;
  /** Updates that were taken from the bucket in that time. */
  tookMeanwhile = 0;
  /** Until the log had all of it again after the disk was well: how often, and the longest, in milliseconds. */
  recoveries = 0;
  recoveryMs = 0;
  readonly violations: Record<ViolationKind, number> = zeros(violationKinds);

  add(life: Life, leftTemporary: boolean): void {
    this.kills += 1;
    this.phases[life.phase] += 1;
    this.compactions += life.compactions;
    const { operation } = life;
    if (operation === "compaction: rename" || operation === "compaction: syncDirectory") {
      this.renaming += 1;
    } else if (leftTemporary) this.compacting += 1;
    if (life.isResumed) this.resumes += 1;
    else if (life.isReady) this.fills += 1;
    this.#addIllnesses(life);
  }

  violated(error: unknown): void {
    this.violations[error instanceof Violation ? error.kind : "wrong"] += 1;
  }

  /** What both have been through. */
  join(other: Tally): void {
    for (const phase of phases) this.phases[phase] += other.phases[phase];
    for (const kind of violationKinds) this.violations[kind] += other.violations[kind];
    for (const name of SUMS) this[name] += other[name];
    this.recoveryMs = Math.max(this.recoveryMs, other.recoveryMs);
    const { looks, loads, jumps, wentBack, catchUpMs } = other.followers;
    this.followers.looks += looks;
    this.followers.loads += loads;
    this.followers.jumps += jumps;
    this.followers.wentBack += wentBack;
    this.followers.catchUpMs = Math.max(this.followers.catchUpMs, catchUpMs);
  }

  #addIllnesses({ said }: Life): void {
    for (const each of said) {
      if (each.said === "well") {
        this.illnesses += 1;
        this.faults += each.faults;
        this.failingMs += each.failingMs;
        this.tookMeanwhile += each.tookMeanwhile;
      } else if (each.said === "recovered") {
        this.recoveries += 1;
        this.recoveryMs = Math.max(this.recoveryMs, each.afterMs);
      }
    }
  }
}

const SUMS = [
  ...(["kills", "compacting", "renaming", "compactions", "resumes", "fills", "written"] as const),
  ...(["illnesses", "faults", "failingMs", "tookMeanwhile", "recoveries"] as const),
] as const;

function zeros<K extends string>(keys: readonly K[]): Record<K, number> {
  return Object.fromEntries(keys.map((key) => [key, 0])) as Record<K, number>;
}
