import { MillpondError } from "../../src/errors/index.js";
import type { BucketBackup } from "../../src/in-process/index.js";
import { InProcessConnection, type InProcessBucket } from "../../src/in-process/index.js";
import { BucketServer } from "../../src/in-process/server.js";
import type { Random } from "../../src/platform/index.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { MachineClock } from "../../src/testing/simulation/machine-clock.js";
import { randomFor } from "../../src/testing/simulation/random.js";
import { SimulatedDisk } from "../../src/testing/simulation/simulated-disk.js";
import type { SimulatedLink } from "../../src/testing/simulation/simulated-link.js";
import type { SimConfig } from "./config.js";
import { Judge } from "./judge.js";
import { Oracle } from "./oracle.js";
import { delay, keyOf, valueOf } from "./samples.js";
import type { Trace } from "./trace.js";

type LinkOwner = "keeper" | "service";

const BUCKET = "b";
export const DIRECTORY = "/disk";
export const LOG = "/disk/copy.snap";
/** A line that falls silent is found dead after this, in every other case. As the NATS source does. */
const NOTICED_MS = 2500;
/** By how much a copy that has looked may be wrong about the bucket's time. */
const CLOCK_ERROR_MS = 10_000;

/** How often something befell the disk. */
export interface Ills {
  /** Bits that went bad; of those the ones outside the log, and the ones in what was written to it last. */
  rots: number;
  rotsElsewhere: number;
  rotsAtEnd: number;
  powerLosses: number;
}

/** A promise that was broken. */
export interface Violation {
  /** Which check found it: a name that stays the same. */
  readonly check: string;
  readonly text: string;
  readonly step: number;
  /** Virtual milliseconds since the beginning. */
  readonly at: number;
}

/** The bucket, the line, the disk and the time: everything but the programs that use them. */
export class World {
  readonly seed: number;
  readonly config: SimConfig;
  readonly trace: Trace;
  readonly clock = new ManualClock();
  readonly serverClock = new MachineClock(this.clock);
  readonly startedAt = this.clock.now();
  readonly disk: SimulatedDisk;
  readonly oracle: Oracle;
  readonly judge: Judge;
  /** For the state of the service, which follows every key and keeps no time. */
  readonly serviceJudge: Judge;
  /** Which making of the bucket the service's positions are of. */
  serviceMaking: string | undefined;
  /** How long the service's `apply` takes. */
  applyMs = 0;
  readonly keys: readonly string[];
  readonly #server: BucketServer;
  readonly #connection: InProcessConnection;
  readonly #line: Random;
  readonly #until = new Map<string, number>();
  /** The lines of the processes that have one. */
  readonly #links = new Map<LinkOwner, SimulatedLink>();
  /** When the line was last found to be up, and not silent. */
  lineUpAt = 0;
  #isCut = false;
  #isFrozen = false;
  /** It will be cut: then all is counted once it is back. A line that was only silent goes on as if nothing had been. */
  #isFoundDead = false;
  #slowLineMs = 0;
  #slowDiskMs = 0;
  #isCalm = false;
  /** By how much the machine's clock is ahead, and the most that it ever was. */
  aheadMs = 0;
  mostAheadMs = 0;
  #backup: BucketBackup | undefined;
  #serial = 0;
  step = 0;
  violation: Violation | undefined;
  /** When the last process died that kept the copy. */
  diedAt = 0;
  /** How late the words of the last line were at most, in milliseconds. */
  slackMs = 0;
  /** Other processes that try to keep it, or do; and when the last of them ended. */
  secondWriters = 0;
  secondWriterUntil = -Infinity;
  /** What has befallen the disk, and what of that had when the log was last opened in which the opening can have seen it. */
  readonly ills: Ills = { rots: 0, rotsElsewhere: 0, rotsAtEnd: 0, powerLosses: 0 };
  #settled: Ills = { ...this.ills };
  /** Whether an opening has told of damage, be it one that did not come to its end. */
  isDamageTold = false;
  /** Since when the line has been silent although it is not known to be lost. */
  silentSince = Infinity;
  /** When it was last silent, or held up. */
  heardAt = -Infinity;
  /** When somebody last set the machine's clock. */
  clockSetAt = -Infinity;
  /** Whether the process that keeps the copy must have seen since by how much the clock is wrong. */
  isClockKnown = false;

  constructor(seed: number, config: SimConfig, trace: Trace) {
    this.seed = seed;
    this.config = config;
    this.trace = trace;
    this.keys = Array.from({ length: config.keys }, (_, index) => keyOf(index));
    this.#line = randomFor(seed, "line");
    this.disk = new SimulatedDisk(this.clock, randomFor(seed, "disk"));
    const slow = randomFor(seed, "disk latency");
    this.disk.latencyMs = () => this.#slowDiskMs + delay(config.disk, slow, this.#isCalm);
    this.disk.onOperation = (name, path, bytes) => {
      // A process's number is another one each time.
      trace.add(`disk ${name} ${path.replace(/compact-\d+/, "compact")} ${bytes}`);
    };
    const now = (): number => this.clock.now();
    this.oracle = new Oracle(this.keys, now);
    const { scope, expiry } = config.replica;
    this.judge = new Judge({
      oracle: this.oracle,
      keys: this.keys.filter((key) => scope?.some((prefix) => key.startsWith(prefix)) ?? true),
      retains: expiry === "retain",
      keepsTimes: config.replica.format === 3,
      clockErrorMs: () =>
        config.weights.clock === 0 || this.isClockKnown ? CLOCK_ERROR_MS : Infinity,
      now,
    });
    this.serviceJudge = new Judge({
      oracle: this.oracle,
      keys: this.keys,
      retains: false,
      clockErrorMs: () => Infinity,
      now,
    });
    this.oracle.hasHeard = (sequence) => {
      const link = this.#links.get("keeper");
      if (link === undefined || this.#isCut || this.#isFoundDead) return undefined;
      return BigInt(sequence) <= (link.frontier.toU64() ?? 0n);
    };
    this.#server = new BucketServer({
      clock: this.serverClock,
      folder: undefined,
      maxBuckets: 10,
      maxValueBytes: 1024 * 1024,
      ttl: true,
    });
    this.#connection = new InProcessConnection(this.#server);
  }

  async begin(): Promise<void> {
    await this.#make();
  }

  now(): number {
    return this.clock.now();
  }

  /** Whether entries grow old. */
  get isMortal(): boolean {
    return this.oracle.isMortal;
  }

  /** Somebody removes a log that no writer takes for its own. */
  removeFile(path: string): void {
    const fs = this.disk.process();
    const end = (): void => fs.kill();
    // For good: else a power loss brings it back.
    fs.remove(path)
      .then(() => fs.syncDirectory(path.slice(0, path.lastIndexOf("/"))))
      .then(end, end);
  }

  /** What has befallen the disk since the log was last opened. */
  get illsSince(): Ills {
    const { ills } = this;
    const before = this.#settled;
    return {
      rots: ills.rots - before.rots,
      rotsElsewhere: ills.rotsElsewhere - before.rotsElsewhere,
      rotsAtEnd: ills.rotsAtEnd - before.rotsAtEnd,
      powerLosses: ills.powerLosses - before.powerLosses,
    };
  }

  /** The log was opened, and what had befallen it before then is over. */
  settle(before: Ills): void {
    this.#settled = before;
    this.isDamageTold = false;
  }

  /** Notes what is wrong, if anything is and nothing was before. */
  found(check: string, problem: string | undefined): void {
    if (problem === undefined || this.violation !== undefined) return;
    this.violation = {
      check,
      text: problem,
      step: this.step,
      at: this.now() - this.startedAt,
    };
    this.trace.add(`violation ${check}: ${problem}`);
  }

  // The bucket.

  async write(
    deed: "put" | "delete" | "purge",
    index: number,
    bytes = 0,
    ttlMs?: number,
  ): Promise<void> {
    const key = this.keys[index % this.keys.length] ?? "";
    const bucket = this.bucket();
    this.#serial += 1;
    const value = valueOf(this.#serial, bytes);
    try {
      if (deed === "put") await bucket.put(key, value, ttlMs === undefined ? {} : { ttlMs });
      else if (deed === "delete") await bucket.delete(key);
      else await bucket.purge(key);
    } catch (error) {
      if (!(error instanceof MillpondError)) throw error;
      this.trace.add(`refused ${error.code}`);
    }
  }

  bucket(): InProcessBucket {
    return this.#connection.bucket(BUCKET);
  }

  /** As the copy's keeper gets it. */
  connect(): InProcessBucket {
    return this.#connection.connect().bucket(BUCKET);
  }

  async makeAgain(): Promise<void> {
    await this.#connection.deleteBucket(BUCKET);
    this.#backup = undefined;
    await this.#make();
  }

  async backUp(): Promise<void> {
    this.#backup = await this.bucket().backUp();
  }

  async rollBack(): Promise<void> {
    if (this.#backup !== undefined) await this.bucket().rollBack(this.#backup);
  }

  async #make(): Promise<void> {
    await this.#connection.createBucket(BUCKET, this.config.bucket);
    this.oracle.made(this.#server.stream(BUCKET));
  }

  // The line.

  /** A process has one of its own, in the state that the line is in. */
  adopt(owner: LinkOwner, link: SimulatedLink | undefined): void {
    if (link === undefined) {
      this.#links.delete(owner);
      return;
    }
    this.#links.set(owner, link);
    const { line } = this.config;
    link.latencyMs = () => this.#slowLineMs + delay(line, this.#line, this.#isCalm);
    link.readAhead = line.readAhead;
    link.duplicates = line.duplicates;
    link.holdsBookmarks = this.#isLasting("hold");
    if (this.#isCut) link.cut();
    if (this.#isFrozen) link.freeze();
    if (owner === "keeper") this.lineUpAt = this.now();
  }

  cut(ms: number): void {
    this.#lasting(
      "cut",
      ms,
      () => this.#setCut(true),
      () => this.#setCut(false),
    );
  }

  /** Silent, and in every other case found dead after a while. */
  freeze(ms: number): void {
    this.#lasting(
      "freeze",
      ms,
      () => this.#setFrozen(true),
      () => this.#setFrozen(false),
    );
    if (ms <= NOTICED_MS || ms % 2 === 0) return;
    this.#isFoundDead = true;
    this.clock.schedule(NOTICED_MS, () => {
      if (this.#isFrozen) this.cut(Math.max(1, ms - NOTICED_MS));
    });
  }

  holdBookmarks(ms: number): void {
    const set = (holds: boolean): void => {
      for (const link of this.#links.values()) link.holdsBookmarks = holds;
    };
    this.#lasting(
      "hold",
      ms,
      () => set(true),
      () => set(false),
    );
  }

  slowLine(ms: number, latencyMs: number): void {
    this.#lasting(
      "slow line",
      ms,
      () => (this.#slowLineMs = latencyMs),
      () => (this.#slowLineMs = 0),
    );
  }

  slowService(ms: number): void {
    this.#lasting(
      "slow service",
      10 * ms,
      () => (this.applyMs = ms),
      () => (this.applyMs = 0),
    );
  }

  breakWatches(code: "watch-error" | "timeout" | "not-connected"): void {
    const error = new MillpondError(code, "broken (simulated)");
    for (const link of this.#links.values()) link.breakWatches(error);
  }

  #setCut(isCut: boolean): void {
    this.#isCut = isCut;
    if (!isCut) this.lineUpAt = this.now();
    if (isCut) this.silentSince = Infinity;
    else if (this.#isFrozen) this.silentSince = this.now();
    for (const link of this.#links.values()) {
      if (isCut) link.cut();
      else link.restore();
    }
  }

  #setFrozen(isFrozen: boolean): void {
    if (isFrozen !== this.#isFrozen) this.silentSince = isFrozen ? this.now() : Infinity;
    if (!isFrozen) {
      this.heardAt = this.now();
      this.#isFoundDead = false;
    }
    this.#isFrozen = isFrozen;
    for (const link of this.#links.values()) {
      if (isFrozen) link.freeze();
      else link.thaw();
    }
  }

  // The disk.

  fillDisk(ms: number, leftBytes: number): void {
    this.disk.capacityBytes = this.disk.usedBytes + leftBytes;
    this.#lasting(
      "full",
      ms,
      () => undefined,
      () => (this.disk.capacityBytes = Infinity),
    );
  }

  failDisk(what: "read" | "write" | "sync" | "rename", chance: number, ms: number): void {
    this.#lasting(
      `disk ${what}`,
      ms,
      () => this.disk.fail(what, chance),
      () => this.disk.fail(what, 0),
    );
  }

  slowDisk(ms: number, latencyMs: number): void {
    this.#lasting(
      "slow disk",
      ms,
      () => (this.#slowDiskMs = latencyMs),
      () => (this.#slowDiskMs = 0),
    );
  }

  rot(bits: number, inLog: boolean): void {
    for (let bit = 0; bit < bits; bit += 1) {
      const where = this.disk.rot(inLog ? LOG : undefined);
      if (where === undefined) continue;
      this.ills.rots += 1;
      if (where.path !== LOG) this.ills.rotsElsewhere += 1;
      else if (where.isInLastWrite) this.ills.rotsAtEnd += 1;
      this.trace.add(`rot ${where.path.replace(/\d{6,}/, "N")} ${where.offset}`);
    }
  }

  setClock(byMs: number): void {
    this.aheadMs += byMs;
    this.clockSetAt = this.now();
    this.isClockKnown = false;
    this.mostAheadMs = Math.max(this.mostAheadMs, this.aheadMs);
  }

  /** All faults end. */
  calm(): void {
    this.#isCalm = true;
    this.#slowLineMs = 0;
    this.#slowDiskMs = 0;
    this.#until.clear();
    this.disk.heal();
    this.applyMs = 0;
    for (const link of this.#links.values()) link.holdsBookmarks = false;
    if (this.#isFrozen) this.#setFrozen(false);
    if (this.#isCut) this.#setCut(false);
  }

  #isLasting(what: string): boolean {
    return (this.#until.get(what) ?? 0) > this.now();
  }

  /** The longest that was asked for counts. */
  #lasting(what: string, ms: number, begin: () => void, end: () => void): void {
    const until = this.now() + ms;
    if (this.#isLasting(what) && (this.#until.get(what) ?? 0) >= until) return;
    this.#until.set(what, until);
    begin();
    this.clock.schedule(ms, () => {
      if (this.#until.get(what) === until) end();
    });
  }
}
