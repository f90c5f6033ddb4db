import { setTimeout as delay } from "node:timers/promises";
import type { ServerVersion } from "../support/nats-server.js";
import { integerBelow, randomFrom } from "../support/seed.js";
import { prepare } from "./cell.js";
import { faults, type Fault } from "./faults.js";
import { Judge } from "./judge.js";
import { Scene, type ScopeName } from "./scene.js";
import { singleServer } from "./site.js";

export interface StormOptions {
  readonly version: ServerVersion;
  readonly scope: ScopeName;
  readonly seed: number;
  readonly rounds: number;
  /** Called after each round with what happened in it, and how long it took to be in sync where that was waited for. */
  readonly onRound?: (names: readonly string[], inSyncMs: number | undefined) => void;
}

export interface StormReport {
  readonly faults: number;
  readonly worstInSyncMs: number;
  readonly violations: readonly string[];
}

const RATE = 2_000;
const MOST_AT_A_TIME = 3;
const LONGEST_MS = 4_000;

/** Those that need nothing but a bucket and a server. */
const kinds = faults.filter(
  ({ stream, prepare: needs, leavesBehind }) =>
    stream === undefined && needs === undefined && leavesBehind === undefined,
);

/**
 * Lets faults happen to one and the same replica, a few right after another and not waiting for it to recover, under load; then
 * holds it against the bucket, and again. Ends at the first violation.
 */
export async function runStorm(options: StormOptions): Promise<StormReport> {
  const { version, scope, seed, rounds, onRound } = options;
  const random = randomFrom(seed);
  await using scene = await Scene.at(await singleServer(version), { scope, seed });
  const judge = new Judge(scene);
  await prepare(scene, judge);
  let [happened, worstInSyncMs] = [0, 0];
  for (let round = 0; round < rounds && judge.violations.length === 0; round += 1) {
    scene.load.start(RATE);
    const chosen = Array.from(
      { length: 1 + integerBelow(random, MOST_AT_A_TIME) },
      () => kinds[integerBelow(random, kinds.length)],
    ).filter((fault): fault is Fault => fault !== undefined);
    judge.begin(Math.max(...chosen.map(({ blindMs = 1_000 }) => blindMs)));
    for (const fault of chosen) {
      await fault.inflict(scene);
      if (fault.heal !== undefined) await delay(random() * LONGEST_MS);
      await fault.heal?.(scene);
      happened += 1;
    }
    const inSyncMs = await judge.inSync(Date.now(), true);
    judge.end();
    worstInSyncMs = Math.max(worstInSyncMs, inSyncMs ?? Infinity);
    onRound?.(
      chosen.map(({ name }) => name),
      inSyncMs,
    );
  }
  await judge.leaked(0);
  return { faults: happened, worstInSyncMs, violations: judge.violations };
}
