import { setTimeout as delay } from "node:timers/promises";
import type { ServerVersion } from "../support/nats-server.js";
import { until } from "../support/until.js";
import {
  differenceOf,
  fingerprintOf,
  headOf,
  isNone,
  readTruth,
  type Difference,
  type Truth,
} from "./bucket-truth.js";
import type { Fault } from "./faults.js";
import type { SaidStatus } from "./replica-process.js";
import { BUCKET, Scene, type ScopeName } from "./scene.js";
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
  /** Updates written in all. */
  readonly written: number;
  /** What is not as promised; empty where all is. */
  readonly violations: readonly string[];
}

interface Sample {
  readonly status: SaidStatus;
  readonly difference: Difference;
}

const START_MS = 20_000;
const NOTICED_MS = 10_000;
const IN_SYNC_MS = 15_000;
const LEAK_MS = 5_000;
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
  const { scope, seed, fault } = cell;
  await using scene = await Scene.at(site, { scope, seed, stream: fault.stream });
  return await new CellRun(cell, scene).run();
}

class CellRun {
  readonly #cell: Cell;
  readonly #scene: Scene;
  readonly #violations: string[] = [];
  #truth: { readonly fingerprint: string; readonly entries: Truth } | undefined;
  #untrueMs = 0;
  #last: Sample | undefined;

  constructor(cell: Cell, scene: Scene) {
    this.#cell = cell;
    this.#scene = scene;
  }

  async run(): Promise<CellReport> {
    const { fault, load } = this.#cell;
    const scene = this.#scene;
    await this.#setUp();
    if (loads[load] > 0) {
      scene.load.start(loads[load]);
      await delay(WARM_UP_MS);
    }
    const beganAt = Date.now();
    await fault.inflict(scene);
    await this.#hold(beganAt);
    await fault.heal?.(scene);
    const inSyncMs = await this.#inSync(Date.now());
    const trouble = scene.replica.trouble(beganAt);
    if (fault.noticed && trouble === undefined) this.#violations.push("never noticed");
    const leaked = await this.#leaked();
    if (leaked > 0) this.#violations.push(`${leaked} consumers leaked`);
    return {
      difference: this.#last?.difference ?? { missing: [], stale: [], wrong: [] },
      detectedMs: trouble === undefined ? undefined : trouble.at - beganAt,
      inSyncMs,
      untrueMs: this.#untrueMs,
      leaked,
      peakMiB: Math.round(await scene.replica.ask("memory").catch(() => 0)),
      written: scene.load.sent,
      violations: this.#violations,
    };
  }

  async #setUp(): Promise<void> {
    const scene = this.#scene;
    await scene.createBucket();
    await scene.load.seed("value");
    await this.#cell.fault.prepare?.(scene);
    scene.startReplica();
    await until("the replica is live and equal before the fault", () => this.#isInSync(), START_MS);
    this.#untrueMs = 0;
  }

  /** Lets the fault last, and be noticed where it has to be, while the claims of the replica are held against the bucket. */
  async #hold(beganAt: number): Promise<void> {
    const { fault, load } = this.#cell;
    const scene = this.#scene;
    const lastsMs = fault.lastsMs ?? 0;
    if (lastsMs === 0 && fault.heal === undefined) return;
    const isIdle = loads[load] === 0;
    if (isIdle && fault.writable !== false) await scene.load.burst(IDLE_WRITES);
    for (;;) {
      const passedMs = Date.now() - beganAt;
      const isNoticed = !fault.noticed || scene.replica.trouble(beganAt) !== undefined;
      if ((isNoticed && passedMs >= lastsMs) || passedMs >= lastsMs + NOTICED_MS) return;
      if (isIdle) await this.#sample(STOPPED_MS);
      await delay(SAMPLE_MS);
    }
  }

  /** Resolves with the time from then on until it is live and equal, also under load; `undefined` where that never comes. */
  async #inSync(healedAt: number): Promise<number | undefined> {
    const { fault, load } = this.#cell;
    const scene = this.#scene;
    const deadlineMs = IN_SYNC_MS + (fault.blindMs ?? 0);
    let caughtUpAt: number | undefined;
    if (loads[load] > 0) {
      const head = await headOf(scene.client, BUCKET);
      await until("it has come to where the bucket was", () => this.#hasReached(head), deadlineMs)
        .then(() => (caughtUpAt = Date.now()))
        .catch(() => undefined);
      await scene.load.pause();
    }
    let samples = 0;
    try {
      await until(
        "the replica is live and equal after the fault",
        () => ((samples += 1), this.#isInSync()),
        deadlineMs,
      );
    } catch {
      this.#violations.push(`not in sync within ${deadlineMs} ms: ${this.#lastSeen()}`);
      return undefined;
    }
    return (samples === 1 && caughtUpAt !== undefined ? caughtUpAt : Date.now()) - healedAt;
  }

  async #hasReached(head: number): Promise<boolean> {
    const { state, cursor } = await this.#scene.replica.ask("status");
    return state === "live" && cursor >= head;
  }

  async #isInSync(): Promise<boolean> {
    const sample = await this.#sample();
    return sample !== undefined && sample.status.state === "live" && isNone(sample.difference);
  }

  /** Holds what the replica says and has against the bucket, to which nobody writes at the moment. */
  async #sample(patienceMs?: number): Promise<Sample | undefined> {
    const { replica, prefixes, lastChangeAt } = this.#scene;
    try {
      await this.#readTruth(prefixes);
      const status = await replica.ask("status", patienceMs);
      const entries = await replica.ask("entries", patienceMs);
      if (this.#truth === undefined) return undefined;
      const sample = { status, difference: differenceOf(this.#truth.entries, entries) };
      this.#last = sample;
      this.#judge(sample, lastChangeAt);
      return sample;
    } catch (error) {
      // It is dead or stopped, and says nothing that could be wrong.
      if (patienceMs !== undefined || !this.#isRunning()) return undefined;
      throw error;
    }
  }

  #isRunning(): boolean {
    return this.#scene.replica.isRunning;
  }

  #judge({ status, difference }: Sample, lastChangeAt: number): void {
    const { state, pending, asOf = 0 } = status;
    if (state !== "live" || pending > 0 || isNone(difference)) return;
    const untrueMs = asOf - lastChangeAt;
    if (untrueMs <= this.#untrueMs) return;
    this.#untrueMs = untrueMs;
    if (untrueMs <= (this.#cell.fault.blindMs ?? BLIND_MS)) return;
    const claim = `claimed to be current ${untrueMs} ms after a change that it lacks: `;
    const index = this.#violations.findIndex((each) => each.startsWith("claimed"));
    this.#violations.splice(
      index === -1 ? 0 : index,
      index === -1 ? 0 : 1,
      claim + this.#lastSeen(),
    );
  }

  /** A bucket that cannot be asked has not changed either. */
  async #readTruth(prefixes: readonly string[] | undefined): Promise<void> {
    if (!this.#scene.isReachable) return;
    const { client } = this.#scene;
    try {
      const fingerprint = await fingerprintOf(client, BUCKET);
      if (fingerprint === this.#truth?.fingerprint) return;
      this.#truth = { fingerprint, entries: await readTruth(client, BUCKET, prefixes) };
    } catch (error) {
      if (this.#truth === undefined) throw error;
    }
  }

  async #leaked(): Promise<number> {
    const { fault } = this.#cell;
    const live = 1 + (fault.leavesBehind ?? 0);
    let found: string[] = [];
    await until(
      "no more consumers than that",
      async () => (found = await this.#scene.consumers()).length <= live,
      LEAK_MS,
    ).catch(() => undefined);
    await this.#scene.replica.ask("close").catch((error: unknown) => {
      this.#violations.push(`could not be closed: ${String(error)}`);
    });
    return Math.max(0, found.length - live);
  }

  #lastSeen(): string {
    if (this.#last === undefined) return "it never answered";
    const { status, difference } = this.#last;
    const told = Object.entries(difference).map(
      ([what, keys]: [string, readonly string[]]) =>
        `${keys.length} ${what}${keys.length === 0 ? "" : ` (${keys.slice(0, 5).join(" ")} …)`}`,
    );
    return `${told.join(", ")}; ${JSON.stringify(status)}`;
  }
}
