import { isMillpondError } from "../../errors/index.js";
import { type InProcessConnection, openInProcess } from "../../in-process/index.js";
import { ManualClock } from "../manual-clock.js";
import { MachineClock } from "../simulation/machine-clock.js";
import { randomFor } from "../simulation/random.js";
import { SimulatedDatabase } from "../simulation/simulated-database.js";
import { SimulatedDisk } from "../simulation/simulated-disk.js";
import { ConsumerProcess, type Machine } from "./consumer-process.js";
import { differencesOf } from "./difference.js";
import { Faults } from "./faults.js";
import type { StateDifference } from "./options.js";
import { type PlannedWrite, type Round, writesOf } from "./plan.js";
import type { Settings } from "./settings.js";
import { Story, textOf } from "./story.js";

const BUCKET = "bad-day";
/** How long a process stays down that ended by itself, in milliseconds. */
const RESTART_MS = 1000;
/** Between two looks at the state. */
const LOOK_MS = 1000;
const TURNS_AT_END = 64;

/** Why a day did not go well. */
export interface Failure {
  /** The number of the round after whose faults the state did not become right. */
  readonly round: number;
  /** What kept it from being looked at; `undefined`: it was, and differs. */
  readonly problem: string | undefined;
  readonly differences: readonly StateDifference[];
}

/** A day, lived through. */
export class Day implements Machine {
  readonly settings: Settings;
  readonly clock: ManualClock;
  readonly connection: InProcessConnection;
  readonly bucketName = BUCKET;
  readonly disk: SimulatedDisk;
  readonly database: SimulatedDatabase;
  readonly story: Story;
  readonly faults: Faults;
  readonly #startedAt: number;
  readonly #processes: ConsumerProcess[] = [];
  #process: ConsumerProcess | undefined;
  /** A start that is due counts only where this has not changed since. */
  #downs = 0;
  #serial = 0;
  updates = 0;
  rounds = 0;
  failure: Failure | undefined;

  private constructor(settings: Settings, connection: InProcessConnection, clock: ManualClock) {
    this.settings = settings;
    this.clock = clock;
    this.#startedAt = clock.now();
    this.connection = connection;
    this.story = new Story(() => this.virtualMs);
    this.disk = new SimulatedDisk(clock, randomFor(settings.seed, "disk"));
    this.database = new SimulatedDatabase(randomFor(settings.seed, "database"));
    this.faults = new Faults(this, {
      crash: (downMs) => this.#crash(downMs),
      losePower: (downMs) => {
        const wasUp = this.#crash(downMs);
        if (wasUp) this.disk.losePower();
        return wasUp;
      },
      restart: () => {
        const isUp = this.#process?.consumer !== undefined;
        this.#process?.end();
        return isUp;
      },
    });
  }

  /** Lives through these rounds, up to the first after which the state does not become right. */
  static async live(settings: Settings, rounds: readonly Round[]): Promise<Day> {
    const clock = new ManualClock();
    const connection = await openInProcess({ clock: new MachineClock(clock) });
    const day = new Day(settings, connection, clock);
    try {
      await day.#live(rounds);
    } finally {
      await day.#end();
    }
    return day;
  }

  get virtualMs(): number {
    return this.clock.now() - this.#startedAt;
  }

  get starts(): number {
    return this.#processes.length;
  }

  async #live(rounds: readonly Round[]): Promise<void> {
    await this.connection.createBucket(BUCKET, this.settings.bucket);
    for (const key of this.settings.keys) await this.#write({ at: 0, kind: "put", key });
    this.#start();
    for (const round of rounds) {
      await this.faults.backUp();
      await this.#bear(round);
      this.story.tell("all faults end");
      this.failure = await this.#converge(round.number);
      if (this.failure !== undefined) return;
      this.story.tell("the state is right");
      this.rounds += 1;
    }
  }

  /** Writes come, and faults. */
  async #bear(round: Round): Promise<void> {
    const { clock } = this;
    const doing: Promise<void>[] = [];
    for (const fault of round.faults) {
      clock.schedule(fault.at, () => void doing.push(this.faults.happen(fault)));
    }
    for (const write of writesOf(this.settings, round)) {
      clock.schedule(write.at, () => void doing.push(this.#write(write)));
    }
    await clock.run(round.ms);
    await Promise.all(doing);
  }

  /** Nothing is wrong any more, and nothing is written: the state must become right. */
  async #converge(round: number): Promise<Failure | undefined> {
    const until = this.clock.now() + this.settings.convergeMs;
    await this.faults.end();
    if (this.#process === undefined) this.#start();
    for (;;) {
      const problem = await this.#look();
      if (problem === undefined) return undefined;
      if (this.clock.now() >= until) return { round, ...problem };
      await this.clock.run(Math.min(LOOK_MS, until - this.clock.now()));
    }
  }

  async #look(): Promise<Omit<Failure, "round"> | undefined> {
    const consumer = this.#process?.consumer;
    if (consumer === undefined) {
      return { problem: "no process of it has come up and stayed", differences: [] };
    }
    const bucket = new Map<string, string>();
    for await (const { key, value } of this.connection.bucket(BUCKET).scan()) {
      bucket.set(key, Buffer.from(value).toString());
    }
    const asked = Promise.resolve().then(() => consumer.state());
    let answer:
      { readonly entries: Awaited<typeof asked> } | { readonly error: unknown } | undefined;
    asked.then(
      (entries) => (answer = { entries }),
      (error: unknown) => (answer = { error }),
    );
    await this.clock.runUntil(() => answer !== undefined, this.settings.convergeMs);
    if (answer === undefined) return { problem: "its state() does not answer", differences: [] };
    if ("error" in answer) {
      return { problem: `its state() threw: ${textOf(answer.error)}`, differences: [] };
    }
    const differences = differencesOf(this.settings.expected(bucket), answer.entries);
    return differences.length === 0 ? undefined : { problem: undefined, differences };
  }

  async #write({ kind, key }: PlannedWrite): Promise<void> {
    const bucket = this.connection.bucket(BUCKET);
    this.#serial += 1;
    const value = this.settings.value(key, this.#serial);
    try {
      const version =
        kind === "put" ? await bucket.put(key, Buffer.from(value)) : await bucket[kind](key);
      this.updates += 1;
      const what = kind === "put" ? `put ${key} = ${value}` : `${kind} ${key}`;
      this.story.tell(`${what}, revision ${version.toU64()}`, key);
    } catch (error) {
      // There is no bucket at the moment, or it is full.
      if (!isMillpondError(error)) throw error;
    }
  }

  // The process.

  #start(): void {
    const process = new ConsumerProcess(this, this.#processes.length + 1, () => {
      if (this.#process === process) this.#isDown(RESTART_MS);
    });
    this.#processes.push(process);
    this.#process = process;
    this.faults.adopt(process.link);
    process.start();
  }

  #crash(downMs: number): boolean {
    if (this.#process === undefined) return false;
    this.#process.kill();
    this.#isDown(downMs);
    return true;
  }

  #isDown(ms: number): void {
    this.#process = undefined;
    this.#downs += 1;
    const downs = this.#downs;
    this.clock.schedule(ms, () => {
      if (this.#downs === downs && this.#process === undefined) this.#start();
    });
  }

  async #end(): Promise<void> {
    for (const process of this.#processes) await process.bury();
    await this.connection.close();
    await this.clock.run(0, TURNS_AT_END);
  }
}
