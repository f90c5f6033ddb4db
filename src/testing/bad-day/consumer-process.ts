import type { InProcessConnection } from "../../in-process/index.js";
import type { ManualClock } from "../manual-clock.js";
import { sleep } from "../../platform/index.js";
import { MachineClock } from "../simulation/machine-clock.js";
import { randomFor } from "../simulation/random.js";
import type { SimulatedDatabase } from "../simulation/simulated-database.js";
import type { ProcessDisk, SimulatedDisk } from "../simulation/simulated-disk.js";
import { SimulatedLink } from "../simulation/simulated-link.js";
import type { RunningConsumer } from "./options.js";
import type { Settings } from "./settings.js";
import { type Story, textOf } from "./story.js";

/** In which a consumer that was asked to end has to. Then it is killed. */
const CLOSING_MS = 10_000;

/** What a process runs on. */
export interface Machine {
  readonly settings: Settings;
  readonly clock: ManualClock;
  readonly connection: InProcessConnection;
  readonly bucketName: string;
  readonly disk: SimulatedDisk;
  readonly database: SimulatedDatabase;
  readonly story: Story;
}

/** A process with the consumer in it, from its start to its death. */
export class ConsumerProcess {
  readonly number: number;
  readonly link: SimulatedLink;
  readonly #machine: Machine;
  readonly #connection: InProcessConnection;
  readonly #clock: MachineClock;
  readonly #fs: ProcessDisk;
  readonly #ending = new AbortController();
  readonly #burial = new AbortController();
  readonly #onDeath: () => void;
  #consumer: RunningConsumer | undefined;
  #isDead = false;

  /** `onDeath`: told when it has died without being killed. */
  constructor(machine: Machine, number: number, onDeath: () => void) {
    const { clock, connection, bucketName, settings, disk } = machine;
    this.number = number;
    this.#machine = machine;
    this.#onDeath = onDeath;
    this.#connection = connection.connect();
    this.#clock = new MachineClock(clock);
    this.#fs = disk.process();
    const bucket = this.#connection.bucket(bucketName);
    const random = randomFor(settings.seed, `line ${number}`);
    this.link = new SimulatedLink(bucket, new MachineClock(clock), random);
  }

  /** The consumer; `undefined` while it is not up. */
  get consumer(): RunningConsumer | undefined {
    return this.#isDead || this.#ending.signal.aborted ? undefined : this.#consumer;
  }

  start(): void {
    this.#machine.story.tell(`process ${this.number} starts`);
    this.#run().then(
      (ended) => this.#died(ended),
      (error: unknown) => this.#died(`ended by itself: ${textOf(error)}`),
    );
  }

  /** From one moment to the next. */
  kill(): void {
    this.#isDead = true;
    this.#clock.kill();
    this.#fs.kill();
    this.link.kill();
  }

  /** Asks it to end. */
  end(): void {
    if (this.#isDead || this.#ending.signal.aborted) return;
    this.#machine.clock.schedule(CLOSING_MS, () => this.#died("did not end, and is killed"));
    this.#ending.abort(new Error("asked to end"));
  }

  /** What is left of a dead one in this process of ours ends too. */
  async bury(): Promise<void> {
    this.kill();
    this.#burial.abort(new Error("this process has died (simulated)"));
    this.#ending.abort(new Error("this process has died (simulated)"));
    await this.#connection.close();
  }

  async #run(): Promise<string> {
    const { settings, database } = this.#machine;
    const { signal } = this.#ending;
    const clock = this.#clock;
    const consumer = await settings.start({
      source: this.link,
      fs: this.#fs,
      database: database.connect(clock, this.#burial.signal),
      clock,
      random: randomFor(settings.seed, `process ${this.number}`),
      signal,
      sleep: (ms) => {
        const sleeping = sleep(clock, ms, this.#burial.signal);
        // Nobody may be waiting for it when the process is buried.
        sleeping.catch(() => undefined);
        return sleeping;
      },
    });
    this.#consumer = consumer;
    await Promise.race([consumer.done ?? aborted(signal), aborted(signal)]);
    if (!signal.aborted) return "ended by itself, without an error";
    await consumer.close?.();
    await consumer.done;
    return "has ended";
  }

  #died(how: string): void {
    if (this.#isDead) return;
    this.#machine.story.tell(`process ${this.number} ${how}`);
    this.kill();
    this.#onDeath();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
