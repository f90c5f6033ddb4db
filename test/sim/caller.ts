import type { Replica } from "../../src/replica/index.js";
import type { Clock } from "../../src/platform/index.js";
import { codeOf } from "../support/code-of.js";
import { viewOf } from "./judge.js";
import type { World } from "./world.js";

/** What a call may end with where its replica is closed, or its line is down. */
const ENDED: ReadonlySet<string> = new Set([
  "closed",
  "not-connected",
  "timeout",
  "cursor-expired",
]);

interface Called {
  readonly replica: Replica;
  readonly clock: Clock;
  /** Whether it is open still. */
  readonly isThere: () => boolean;
}

/** Somebody who calls a replica's methods, and holds it to what they promise. */
export class Caller {
  readonly #world: World;
  readonly #called: Called;

  constructor(world: World, called: Called) {
    this.#world = world;
    this.#called = called;
  }

  /** An answer that may only be so old is no older, and none is refused that is young enough. */
  readFresh(index: number, maxStalenessMs: number): void {
    const { replica, clock } = this.#called;
    const key = this.#world.keys[index] ?? "";
    const { asOf } = replica.status();
    const isFresh = asOf !== undefined && clock.now() - asOf <= maxStalenessMs;
    let isAnswered = true;
    try {
      replica.get(key, { maxStalenessMs });
    } catch (error) {
      isAnswered = false;
      if (codeOf(error) !== "stale") this.#world.found("9 reads never fail", String(error));
    }
    if (isAnswered === isFresh) return;
    this.#world.found("9 a limit to the age of an answer", `${asOf}, ${maxStalenessMs}`);
  }

  /** What was written by a revision that was waited for can be read, or something newer of its key. */
  async waitFor(): Promise<void> {
    const world = this.#world;
    const { replica, isThere } = this.#called;
    const making = world.oracle.present;
    const record = making?.stream.log.kept().at(-1);
    if (making === undefined || record === undefined) return;
    const { rollBacks } = making;
    // A number says nothing of which making of a bucket it is of.
    const { state, asOf = 0 } = replica.status();
    const knownAt = asOf - world.aheadMs - world.slackMs;
    if (state !== "live" || knownAt <= Math.max(making.madeAt, making.rolledBackAt)) return;
    if (!(await this.#comes("waitFor", replica.waitFor(record.version)))) return;
    if (!isThere() || world.oracle.present !== making) return;
    if (making.rollBacks !== rollBacks || !world.judge.follows(record.key)) return;
    const problem = world.judge.hasReached(viewOf(replica.entries()), making, record);
    world.found("waitFor shows what was written", problem);
  }

  async audit(): Promise<void> {
    const auditing = this.#called.replica.audit();
    if (!(await this.#comes("audit", auditing))) return;
    const { records, missing, stale, extra } = await auditing;
    this.#world.trace.add(`audit ${records} ${missing} ${stale} ${extra}`);
  }

  /** While nothing fails and nobody writes, each call comes to its end. */
  async askAll(): Promise<void> {
    const world = this.#world;
    const { replica } = this.#called;
    const record = world.oracle.present?.stream.log.kept().at(-1);
    const mended = async (): Promise<void> => {
      const { missing, stale, extra } = await replica.audit();
      // What has just grown old is gone from a listing before a floor tells.
      const unasked = missing + stale + (world.isMortal ? 0 : extra);
      if (unasked === 0 || world.config.replica.expiry === "retain") return;
      world.found("converges once nothing fails any more", "an audit still mends");
    };
    const calls = [
      replica.ready(),
      mended(),
      ...(record === undefined ? [] : [replica.waitFor(record.version)]),
    ];
    const outcomes = await Promise.allSettled(calls);
    // A process may be killed after the faults have ended.
    if (!this.#called.isThere()) return;
    for (const outcome of outcomes) {
      if (outcome.status === "rejected") this.#fails("a call in a calm", outcome.reason);
    }
  }

  async #comes(what: string, call: Promise<unknown>): Promise<boolean> {
    try {
      await call;
      return true;
    } catch (error) {
      this.#world.trace.add(`${what} failed ${codeOf(error)}`);
      if (!ENDED.has(codeOf(error))) this.#fails(what, error);
      return false;
    }
  }

  #fails(what: string, error: unknown): void {
    this.#world.found("9 errors are told", `${what}: ${String(error)}`);
  }
}
