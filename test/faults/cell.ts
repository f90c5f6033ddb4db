import { setTimeout as delay } from "node:timers/promises";
import type { ServerVersion } from "../support/nats-server.js";
import { until } from "../support/until.js";
import type { Difference } from "./bucket-truth.js";
import type { Fault } from "./faults.js";
import { Judge } from "./judge.js";
import { Scene, type ScopeName } from "./scene.js";
import type { Site } from "./site.js";

/** What the bucket goes through besides the fault: updates a second. */
export const loads = { idle: 0, load: 5_000 } as const;
export type LoadName = keyof typeof loads;

export interface Cell {
  readonly fault: Fault;
  readonly version: ServerVersion;
  readonly scope: ScopeName;
  readonly load: LoadName;
  readonly seed: number;
}

export interface CellReport {
  readonly difference: Difference;
  /** From the beginning of the fault, in milliseconds; `undefined` where it was not noticed. */
  readonly detectedMs: number | undefined;
  /** From the end of the fault until live and equal to the bucket, in milliseconds; `undefined` where it never was. */
  readonly inSyncMs: number | undefined;
  /** The longest that it claimed to be current after a change that it lacked, in milliseconds. */
  readonly untrueMs: number;
  readonly leaked: number;
  readonly peakMiB: number;
  /** What is not as promised; empty where all is. */
  readonly violations: readonly string[];
  /** What the replica told, from the beginning of the fault, for whoever looks for the reason. */
  readonly told: readonly string[];
}

const START_MS = 20_000;
const NOTICED_MS = 10_000;
const SAMPLE_MS = 60;
/** An answer that takes longer is that of a process which is stopped. */
const STOPPED_MS = 500;
const BLIND_MS = 1_000;
/** Writes of an idle bucket while the fault lasts, so that there is something to catch up with. */
const IDLE_WRITES = 60;
/** How long a load runs before the fault. */
const WARM_UP_MS = 300;

/** Lets one fault happen to one replica, and judges it. Throws only where the scene itself does not come about. */
export async function runCell(cell: Cell, site: Site): Promise<CellReport> {
  const { scope, seed, fault, load } = cell;
  await using scene = await Scene.at(site, { scope, seed, stream: fault.stream });
  const judge = new Judge(scene);
  await prepare(scene, judge, fault);
  const rate = loads[load];
  if (rate > 0) {
    scene.load.start(rate);
    await delay(WARM_UP_MS);
  }
  judge.begin(fault.blindMs ?? BLIND_MS);
  const beganAt = Date.now();
  await fault.inflict(scene);
  await lasts(cell, scene, judge, beganAt);
  await fault.heal?.(scene);
  const healedAt = Date.now();
  const inSyncMs = await judge.inSync(healedAt, rate > 0);
  judge.end();
  const trouble = scene.replica.trouble(beganAt);
  if (fault.noticed && trouble === undefined) judge.violations.push("never noticed");
  const told = scene.replica.events
    .filter(({ at }) => at >= beganAt)
    .map(({ at, type, state, error }) => [at - beganAt, type, state, error].join(" ").trim());
  const peakMiB = Math.round(await scene.replica.ask("memory"));
  const leaked = await judge.leaked(fault.leavesBehind ?? 0);
  return {
    difference: judge.difference,
    detectedMs: trouble === undefined ? undefined : trouble.at - beganAt,
    inSyncMs,
    untrueMs: judge.untrueMs,
    leaked,
    peakMiB,
    violations: judge.violations,
    told: [`healed after ${healedAt - beganAt} ms`, ...told],
  };
}

/** A full bucket, and a replica that is level with it. */
export async function prepare(scene: Scene, judge: Judge, fault?: Fault): Promise<void> {
  await scene.createBucket();
  await scene.load.seed("value");
  await fault?.prepare?.(scene);
  scene.startReplica();
  await until("the replica is in sync before the fault", () => judge.isInSync(), START_MS);
}

/** Lets the fault last, and be noticed where it has to be, while the claims of the replica are held against the bucket. */
async function lasts(cell: Cell, scene: Scene, judge: Judge, beganAt: number): Promise<void> {
  const { fault, load } = cell;
  const lastsMs = fault.lastsMs ?? 0;
  if (lastsMs === 0 && fault.heal === undefined) return;
  const isIdle = loads[load] === 0;
  if (isIdle && fault.writable !== false) await scene.load.burst(IDLE_WRITES);
  for (;;) {
    const passedMs = Date.now() - beganAt;
    const isNoticed = !fault.noticed || scene.replica.trouble(beganAt) !== undefined;
    if ((isNoticed && passedMs >= lastsMs) || passedMs >= lastsMs + NOTICED_MS) return;
    if (isIdle) await judge.sample(STOPPED_MS);
    await delay(SAMPLE_MS);
  }
}
