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
import type { SaidStatus } from "./replica-process.js";
import { BUCKET, type Scene } from "./scene.js";

interface Sample {
  readonly status: SaidStatus;
  readonly difference: Difference;
}

const IN_SYNC_MS = 15_000;
/** As many as it takes for each of three servers to have been asked, very likely. */
const READINGS = 12;
const LEAK_MS = 5_000;
const NO_DIFFERENCE: Difference = { missing: [], stale: [], wrong: [] };

/** Holds what a replica has and claims against its bucket. */
export class Judge {
  readonly violations: string[] = [];
  readonly #scene: Scene;
  #truth: { readonly fingerprint: string; readonly entries: Truth } | undefined;
  #blindMs = 0;
  #untrueMs = 0;
  #claim: string | undefined;
  #last: Sample | undefined;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** The longest that it claimed to be current after a change that it lacked, in milliseconds. */
  get untrueMs(): number {
    return this.#untrueMs;
  }

  /** As it was last seen. */
  get difference(): Difference {
    return this.#last?.difference ?? NO_DIFFERENCE;
  }

  /** From now on a claim may be wrong for so long after a change. What was found so far is kept as a violation. */
  begin(blindMs: number): void {
    this.end();
    this.#blindMs = blindMs;
    this.#untrueMs = 0;
  }

  end(): void {
    if (this.#claim !== undefined) this.violations.push(this.#claim);
    this.#claim = undefined;
  }

  /**
   * Resolves with the time from `since` until it was live and equal, though the load goes on until it has come to where the bucket
   * is now; with `undefined`, and a violation, where that does not come.
   */
  async inSync(since: number, underLoad: boolean): Promise<number | undefined> {
    const scene = this.#scene;
    const deadlineMs = IN_SYNC_MS + this.#blindMs;
    let reachedAt: number | undefined;
    if (underLoad) {
      const head = await headOf(scene.client, BUCKET);
      await until("it has come so far", () => this.#hasReached(head), deadlineMs)
        .then(() => (reachedAt = Date.now()))
        .catch(() => undefined);
      await scene.load.pause();
    }
    let samples = 0;
    try {
      await until("it is in sync", () => ((samples += 1), this.isInSync()), deadlineMs);
    } catch {
      const servers = await this.#serversDiffer();
      this.violations.push(`not in sync within ${deadlineMs} ms${servers}: ${this.#lastSeen()}`);
      return undefined;
    }
    return (samples === 1 && reachedAt !== undefined ? reachedAt : Date.now()) - since;
  }

  /** Whether it is live and equal. Nobody may write to the bucket meanwhile. */
  async isInSync(): Promise<boolean> {
    const sample = await this.sample();
    return sample !== undefined && sample.status.state === "live" && isNone(sample.difference);
  }

  /** Looks once. `undefined` where the replica is dead, or stopped and so does not answer within `patienceMs`. */
  async sample(patienceMs?: number): Promise<Sample | undefined> {
    const { replica, lastChangeAt } = this.#scene;
    try {
      await this.#readTruth();
      const status = await replica.ask("status", patienceMs);
      const entries = await replica.ask("entries", patienceMs);
      if (this.#truth === undefined) return undefined;
      let difference = differenceOf(this.#truth.entries, entries);
      if (!isNone(difference) && this.#scene.site.servers.length > 1) {
        const truth = await this.#readWhole(status.cursor);
        if (truth === undefined) return undefined;
        difference = differenceOf(truth, entries);
      }
      this.#last = { status, difference };
      this.#weigh(this.#last, lastChangeAt);
      return this.#last;
    } catch (error) {
      if (patienceMs !== undefined || !replica.isRunning) return undefined;
      throw error;
    }
  }

  /** Closes the replica, and resolves with how many consumers it had besides its own and those that a dead process left. */
  async leaked(leftBehind: number): Promise<number> {
    let found = 0;
    await until(
      "no more consumers than that",
      async () => (found = (await this.#scene.consumers()).length) <= 1 + leftBehind,
      LEAK_MS,
    ).catch(() => undefined);
    await this.#scene.replica.ask("close").catch((error: unknown) => {
      this.violations.push(`could not be closed: ${String(error)}`);
    });
    const closed = (await this.#scene.consumers()).length - leftBehind;
    const leaked = Math.max(0, found - 1 - leftBehind, closed);
    if (leaked > 0) this.violations.push(`${leaked} consumers leaked`);
    return leaked;
  }

  async #hasReached(head: number): Promise<boolean> {
    const { state, cursor } = await this.#scene.replica.ask("status");
    return state === "live" && cursor >= head;
  }

  #weigh({ status, difference }: Sample, lastChangeAt: number): void {
    const { state, pending, asOf = 0 } = status;
    if (state !== "live" || pending > 0 || isNone(difference)) return;
    const untrueMs = asOf - lastChangeAt;
    if (untrueMs <= this.#untrueMs) return;
    this.#untrueMs = untrueMs;
    if (untrueMs <= this.#blindMs) return;
    this.#claim = `claimed to be current ${untrueMs} ms after a change that it lacks: ${this.#lastSeen()}`;
  }

  /** A bucket that cannot be asked is taken to be as it was. */
  async #readTruth(): Promise<void> {
    const { client, prefixes, isReachable } = this.#scene;
    if (!isReachable) return;
    try {
      const fingerprint = await fingerprintOf(client, BUCKET);
      if (fingerprint === this.#truth?.fingerprint) return;
      const { truth } = await readTruth(client, BUCKET, prefixes);
      this.#truth = { fingerprint, entries: truth };
    } catch (error) {
      if (this.#truth === undefined) throw error;
    }
  }

  /**
   * Of a cluster, anew: a consumer reads what one of the servers has, which may be behind, and so may be who has just come to lead. `undefined`
   * where either is, or none answers: then nobody can say what the bucket is.
   */
  async #readWhole(cursor: number): Promise<Truth | undefined> {
    const { client, prefixes } = this.#scene;
    try {
      const head = await headOf(client, BUCKET);
      const { truth, last } = await readTruth(client, BUCKET, prefixes);
      return last === head && cursor <= head ? truth : undefined;
    } catch {
      return undefined;
    }
  }

  /** A consumer reads what one of the servers has, whichever that is: where they differ no replica can be right. */
  async #serversDiffer(): Promise<string> {
    const { client, prefixes, site } = this.#scene;
    if (site.servers.length === 1) return "";
    const seen = new Set<string>();
    for (let reading = 0; reading < READINGS; reading += 1) {
      const { truth } = await readTruth(client, BUCKET, prefixes);
      seen.add(JSON.stringify([...truth].toSorted(([a], [b]) => (a < b ? -1 : 1))));
    }
    return seen.size === 1 ? "" : " of a bucket of which the servers have different copies";
  }

  #lastSeen(): string {
    if (this.#last === undefined) return "it never answered";
    const { status, difference } = this.#last;
    const told = Object.entries(difference).map(
      ([what, keys]: [string, readonly string[]]) =>
        `${keys.length} ${what}${keys.length === 0 ? "" : ` (${keys.slice(0, 5).join(" ")} …)`}`,
    );
    return `${told.join(", ")}; ${JSON.stringify(status)}; bucket ${this.#truth?.fingerprint}`;
  }
}
