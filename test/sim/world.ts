import { MillpondError } from "../../src/errors/index.js";
import type { BucketBackup } from "../../src/in-process/index.js";
import { InProcessConnection, type InProcessBucket } from "../../src/in-process/index.js";
import { BucketServer } from "../../src/in-process/server.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { MachineClock } from "../../src/testing/simulation/machine-clock.js";
import { randomFor } from "../../src/testing/simulation/random.js";
import { SimulatedDisk } from "../../src/testing/simulation/simulated-disk.js";
import type { SimConfig } from "./config.js";
import { Judge } from "./judge.js";
import { Lasting } from "./lasting.js";
import { Line } from "./line.js";
import { Oracle } from "./oracle.js";
import { delay, keyOf, valueOf } from "./samples.js";
import type { Trace } from "./trace.js";

const BUCKET = "b";
export const DIRECTORY = "/disk";
export const LOG = "/disk/copy.snap";
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
  readonly #lasting = new Lasting(this.clock);
  readonly line: Line;
  #slowDiskMs = 0;
  #diskIllUntil = -Infinity;
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
  /** When somebody last set the machine's clock. */
  clockSetAt = -Infinity;
  /** Whether the process that keeps the copy must have seen since by how much the clock is wrong. */
  isClockKnown = false;

  constructor(seed: number, config: SimConfig, trace: Trace) {
    this.seed = seed;
    this.config = config;
    this.trace = trace;
    this.keys = Array.from({ length: config.keys }, (_, index) => keyOf(index));
    this.line = new Line(seed, config.line, this.clock, this.#lasting);
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
    this.oracle.hasHeard = (sequence) => this.line.hasHeard(sequence);
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

  /** Somebody removes a log that no writer takes for its own, and goes on once it is gone. */
  removeFile(path: string, onGone: () => void): void {
    const fs = this.disk.process();
    const end = (): void => {
      fs.kill();
      onGone();
    };
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

  slowService(ms: number): void {
    this.#lasting.for(
      "slow service",
      10 * ms,
      () => (this.applyMs = ms),
      () => (this.applyMs = 0),
    );
  }

  // The disk.

  /** Whether anything may have failed on it since then, other than by rot. */
  wasDiskIll(since: number): boolean {
    return this.#diskIllUntil >= since;
  }

  fillDisk(ms: number, leftBytes: number): void {
    this.#noteIllness(ms);
    this.disk.capacityBytes = this.disk.usedBytes + leftBytes;
    this.#lasting.for(
      "full",
      ms,
      () => undefined,
      () => (this.disk.capacityBytes = Infinity),
    );
  }

  failDisk(what: "read" | "write" | "sync" | "rename", chance: number, ms: number): void {
    this.#noteIllness(ms);
    this.#lasting.for(
      `disk ${what}`,
      ms,
      () => this.disk.fail(what, chance),
      () => this.disk.fail(what, 0),
    );
  }

  #noteIllness(ms: number): void {
    this.#diskIllUntil = Math.max(this.#diskIllUntil, this.now() + ms);
  }

  slowDisk(ms: number, latencyMs: number): void {
    this.#lasting.for(
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
    this.#slowDiskMs = 0;
    this.#lasting.forget();
    this.disk.heal();
    this.applyMs = 0;
    this.line.calm();
  }
}
