import { openReplica, type Replica, type ReplicaEvent } from "../../src/replica/index.js";
import { MachineClock } from "../../src/testing/simulation/machine-clock.js";
import { randomFor } from "../../src/testing/simulation/random.js";
import type { ProcessDisk } from "../../src/testing/simulation/simulated-disk.js";
import { SimulatedLink } from "../../src/testing/simulation/simulated-link.js";
import { Caller } from "./caller.js";
import { auditIntervalOf } from "./config.js";
import { viewOf, type View } from "./judge.js";
import { checkLine, checkQueue, checkSilence, noteClock } from "./limits.js";
import { Mirror } from "./mirror.js";
import { DIRECTORY, type Ills, LOG, type World } from "./world.js";
import { codeOf } from "../support/code-of.js";

/** How far back the time that batches were on their way is looked at. */
const TRANSIT_MS = 60_000;
/** Steps between two looks at a copy in which nothing seems to have changed. */
const LOOK_STEPS = 16;
/** A copy that is live is proven current once a second or so. */
const FRESH_MS = 3000;
const MEMORY_BYTES = 16 * 1024 * 1024;

/** What the last process that kept the copy said is on the disk, for the next one to be held to. */
export interface LastWord {
  readonly cursor: bigint;
  /** Whether it may be gone, for a repair. */
  readonly mayWithdraw: boolean;
}

/** One process that keeps the copy, from its start to its death. */
export class Keeper {
  readonly #world: World;
  readonly #number: number;
  readonly #fs: ProcessDisk;
  readonly #clock: MachineClock;
  readonly #link: SimulatedLink;
  readonly #startedAt: number;
  readonly #onEnd: (opened: boolean) => void;
  #replica: Replica | undefined;
  #mirror: Mirror | undefined;
  #isDead = false;
  #isClosing = false;
  #becameLive = false;
  #wasRepaired = false;
  /** Since when it is live, by the common time. */
  #liveSince = Infinity;
  #wasLive = false;
  #wasOpened = false;
  readonly #illsAtStart: Ills;
  /** What it is held to. */
  #last: LastWord | undefined;
  #looked = "";
  #lookedAt = 0;
  #cursor: bigint | undefined;
  /** When the cursor was first seen. */
  #reachedAt: number;
  #lastAsOf: number | undefined;
  /** By how much an age may be wrong that came from a file: an earlier process wrote it, by another setting of the clock. */
  #fileSlackMs: number;

  /** `onEnd`: told when it could not be opened, or has been closed. */
  constructor(world: World, number: number, onEnd: (opened: boolean) => void) {
    this.#world = world;
    this.#number = number;
    this.#onEnd = onEnd;
    this.#fs = world.disk.process();
    this.#clock = new MachineClock(world.clock, () => world.aheadMs);
    this.#startedAt = world.now();
    this.#reachedAt = world.diedAt;
    const name = `keeper ${number}`;
    const random = randomFor(world.seed, `${name} line`);
    this.#link = new SimulatedLink(world.connect(), new MachineClock(world.clock), random);
    this.#illsAtStart = { ...world.ills };
    this.#fileSlackMs = Math.max(0, world.mostAheadMs - world.aheadMs) + world.slackMs;
  }

  get replica(): Replica | undefined {
    return this.#isDead || this.#isClosing ? undefined : this.#replica;
  }

  /** A closed one is on its way out. */
  get isRunning(): boolean {
    return !this.#isDead;
  }

  start(last: LastWord | undefined): void {
    const world = this.#world;
    const { replica: options } = world.config;
    this.#last = last;
    world.isClockKnown = false;
    world.line.adopt("keeper", this.#link);
    openReplica({
      source: this.#link,
      path: DIRECTORY,
      fs: this.#fs,
      clock: this.#clock,
      random: randomFor(world.seed, `keeper ${this.#number}`),
      format: options.format,
      durability: options.durability,
      expiry: options.expiry,
      countIntervalMs: options.countIntervalMs,
      auditIntervalMs: auditIntervalOf(world.config),
      compactThreshold: options.compactThreshold,
      maxMemoryBytes: MEMORY_BYTES,
      batch: {
        windowMs: options.windowMs,
        maxUpdates: options.maxUpdates,
        queueCapacity: options.queueCapacity,
      },
      held: { maxUpdates: options.maxHeldUpdates },
      ...(options.scope === undefined ? {} : { scope: options.scope }),
      ...(options.retryMs === undefined ? {} : { retry: { minMs: 50, maxMs: options.retryMs } }),
      onEvent: (event) => this.#heard(event),
    }).then(
      (replica) => this.#opened(replica),
      (error: unknown) => this.#failed(error),
    );
  }

  /** What it said last of the disk. */
  lastWord(): LastWord | undefined {
    if (!this.#wasOpened) return this.#last;
    const { cursor: position, state } = this.#replica?.status() ?? {};
    const cursor = position?.toU64();
    if (cursor === undefined) return undefined;
    // One that is not live may be about to withdraw its position, and may have: what it says of it comes after.
    return { cursor, mayWithdraw: state !== "live" };
  }

  kill(): void {
    this.#isDead = true;
    this.#clock.kill();
    this.#fs.kill();
    this.#link.kill();
    this.#world.line.adopt("keeper", undefined);
    this.#mirror?.end();
    // Nothing of it reaches anything any more; this lets go of what it holds in this process.
    this.#replica?.close().catch(() => undefined);
  }

  close(): void {
    const replica = this.replica;
    if (replica === undefined) return;
    this.#isClosing = true;
    this.#mirror?.end();
    replica.close().then(
      () => this.#ended(),
      (error: unknown) => {
        const code = codeOf(error);
        this.#world.trace.add(`close failed ${code}`);
        if (code !== "io") this.#world.found("9 errors are told", `close: ${String(error)}`);
        this.#ended();
      },
    );
  }

  /** Follows the changes anew, as a reader who is so slow. */
  followChanges(maxQueued: number, pauseMs: number): void {
    const { replica } = this;
    if (replica === undefined) return;
    this.#mirror?.end();
    this.#mirror = new Mirror(this.#world, replica, this.#clock, maxQueued, pauseMs);
  }

  /** Who calls its other methods now. */
  caller(): Caller | undefined {
    const { replica } = this;
    if (replica === undefined) return undefined;
    const isThere = (): boolean => this.replica === replica;
    return new Caller(this.#world, { replica, clock: this.#clock, isThere });
  }

  /** How the copy differs from the bucket, or what it does not say of itself that it should by now. */
  difference(): string | undefined {
    const { replica } = this;
    if (replica === undefined) return this.#isClosing ? "it does not close" : "it is not open";
    const { state, store, asOf, lag } = replica.status();
    if (state !== "live") return `it is ${state}`;
    if (!store.ok) return "its store fails";
    if (asOf === undefined || this.#clock.now() - asOf > FRESH_MS) return `it is as of ${asOf}`;
    if (lag.pending > 0) return `${lag.pending} are pending`;
    const view = this.#view(replica);
    return view && this.#world.judge.equal(view, false);
  }

  /** Looks whether what it shows and says is true. */
  check(isForced: boolean): void {
    const { replica } = this;
    const world = this.#world;
    if (replica === undefined) return;
    const status = replica.status();
    const seen = { status, link: this.#link, liveSince: this.#liveSince };
    checkLine(world, seen);
    checkSilence(world, seen);
    checkQueue(world, seen);
    const looked = `${status.state} ${status.cursor.toHex()} ${status.received} ${status.size} ${status.asOf}`;
    const isDue = isForced || this.#becameLive || world.step - this.#lookedAt >= LOOK_STEPS;
    if (looked === this.#looked && !isDue) return;
    this.#looked = looked;
    this.#lookedAt = world.step;
    world.trace.add(looked);
    const view = this.#view(replica);
    if (view === undefined) return;
    const cursor = status.cursor.toU64();
    if (cursor !== this.#cursor) {
      this.#reachedAt = world.now();
      world.judge.lineage.cameThere(cursor, world.now());
    }
    this.#cursor = cursor;
    const whole = world.judge.whole(view, cursor, this.#reachedAt);
    world.found("1 cursor after apply", whole);
    noteClock(world, seen, this.#startedAt);
    if (this.#wasLive) world.found("9 nothing is shown that is over", world.judge.over(view));
    this.#checkClaims(view, status.asOf);
    this.#mirror?.check(view);
  }

  #checkClaims(view: View, asOf: number | undefined): void {
    const world = this.#world;
    const { judge } = world;
    const slackMs = 1 + this.#link.worstTransitMs(world.now() - TRANSIT_MS);
    world.slackMs = slackMs + this.#fileSlackMs;
    if (this.#becameLive) {
      this.#becameLive = false;
      const since = Math.max(world.line.upAt, this.#startedAt) - slackMs;
      world.found("3 live only when level", judge.current(view, since, true));
    }
    if (asOf === undefined) return;
    if (this.#lastAsOf !== undefined && asOf > this.#lastAsOf) this.#fileSlackMs = 0;
    this.#lastAsOf = asOf;
    if (asOf > this.#clock.now()) world.found("9 asOf is not yet to come", `${asOf}`);
    const since = asOf - world.aheadMs - slackMs - this.#fileSlackMs;
    const problem = judge.current(view, since, false);
    world.found("9 asOf is proven", problem && `as of ${since % 1e8}: ${problem}`);
  }

  #view(replica: Replica): View | undefined {
    try {
      return viewOf(replica.entries());
    } catch (error) {
      this.#world.found("9 reads never fail", String(error));
      return undefined;
    }
  }

  #opened(replica: Replica): void {
    this.#replica = replica;
    if (this.#isDead) {
      replica.close().catch(() => undefined);
      return;
    }
    const world = this.#world;
    this.#wasOpened = true;
    world.trace.add(`opened ${replica.status().cursor.toHex()}`);
    this.#cursor = replica.status().cursor.toU64();
    world.judge.lineage.opened(this.#cursor, world.diedAt);
    this.#checkKept(replica);
    this.check(true);
    this.followChanges(10_000, 0);
    this.#checkReady(replica).catch(() => undefined);
  }

  async #checkReady(replica: Replica): Promise<void> {
    await replica.ready();
    const world = this.#world;
    const view = this.#isDead || this.#isClosing ? undefined : this.#view(replica);
    if (view === undefined) return;
    const slackMs = 1 + this.#link.worstTransitMs(world.now() - TRANSIT_MS);
    const problem = world.judge.current(view, this.#startedAt - slackMs, true);
    world.found("9 ready has caught up", problem);
  }

  /** What was said to be on the disk is there, unless what happened since may take it. */
  #checkKept(replica: Replica): void {
    const world = this.#world;
    const last = this.#last;
    const { rots, rotsElsewhere, rotsAtEnd, powerLosses } = world.illsSince;
    const wasTold = world.isDamageTold;
    world.settle(this.#illsAtStart);
    const { cursor: position, store } = replica.status();
    const cursor = position.toU64();
    if (last === undefined) return;
    if (cursor === undefined ? last.mayWithdraw : cursor >= last.cursor) return;
    if (powerLosses > 0 && world.config.replica.durability === "process") return;
    // Who healed it may have died before it could tell: then what was set aside is there for somebody to find.
    const isSetAside = world.disk.paths.some((path) => path.includes(".corrupt-"));
    if (rots > 0) {
      // What was written last looks torn to everybody. In other files it may be the bucket's name that cannot be read.
      if (rotsElsewhere > 0 || rotsAtEnd > 0 || powerLosses > 0) return;
      const isTold = store.repaired !== undefined || wasTold || isSetAside;
      world.found(
        "5 damage is told",
        isTold ? undefined : `${last.cursor} was, ${cursor} is there`,
      );
      return;
    }
    if (cursor === undefined && (this.#wasRepaired || isSetAside)) {
      // Sectors of the last write that came to the disk without its beginning look like damage, and that may have been a withdrawal: the
      // position goes, and nothing of what it stood for.
      const view = this.#view(replica);
      const problem = view && world.judge.whole(view, last.cursor, world.diedAt);
      world.found("2 nothing acknowledged is lost", problem);
      return;
    }
    world.found("2 nothing acknowledged is lost", `${last.cursor} was, and ${cursor} is there`);
  }

  get #hadRival(): boolean {
    const { secondWriters, secondWriterUntil } = this.#world;
    return secondWriters > 0 || secondWriterUntil >= this.#startedAt;
  }

  #failed(error: unknown): void {
    const world = this.#world;
    if (this.#isDead) return;
    const code = codeOf(error);
    world.trace.add(`open failed ${code}`);
    // A log that rots while it is healed is refused; it may even look like somebody else's by the time it is to be set aside.
    const rotted = world.ills.rots > this.#illsAtStart.rots;
    const isExpected =
      (code === "io" && (rotted || world.wasDiskIll(this.#startedAt))) ||
      (code === "locked" && this.#hadRival) ||
      (code === "invalid-format" && world.illsSince.rots > 0) ||
      (code === "corrupted" && rotted);
    if (!isExpected) world.found("5 opens what is good", String(error));
    this.#isDead = true;
    const onEnd = (): void => this.#onEnd(false);
    if (code !== "invalid-format") {
      onEnd();
      return;
    }
    this.#last = undefined;
    world.removeFile(LOG, onEnd);
  }

  #ended(): void {
    if (this.#isDead) return;
    this.kill();
    this.#onEnd(true);
  }

  #heard(event: ReplicaEvent): void {
    if (this.#isDead) return;
    const world = this.#world;
    const detail = event.type === "state" ? event.state : "";
    world.trace.add(`keeper ${event.type} ${detail}`);
    if (event.type === "state") {
      const isLive = event.state === "live";
      if (isLive) this.#becameLive = true;
      this.#wasLive ||= isLive;
      this.#liveSince = isLive ? world.now() : Infinity;
    }
    if (event.type === "repair-started") world.judge.lineage.repaired();
    if (event.type === "log-repaired") {
      this.#wasRepaired = true;
      world.isDamageTold = true;
      const { rots, powerLosses } = world.illsSince;
      const isSound = rots === 0 && powerLosses === 0;
      world.found("5 a sound log is not repaired", isSound ? "it was" : undefined);
    }
    if (event.type === "state" && event.state === "failed") {
      world.found("9 never stops by itself", String(this.#replica?.status().lastError));
    }
  }
}
