import { openReplica } from "../../src/replica/index.js";
import { MachineClock } from "../../src/testing/simulation/machine-clock.js";
import { randomFor } from "../../src/testing/simulation/random.js";
import { Keeper, type LastWord } from "./keeper.js";
import { Reader } from "./reader.js";
import { Service } from "./service.js";
import { DIRECTORY, type World } from "./world.js";
import { codeOf } from "../support/code-of.js";

/** How long a process stays down that could not open its copy, in the pauses between two actions. */
const RETRY_PAUSES = 5;

/** The programs that run: one that keeps the copy, and some that read it along. Who dies is started again. */
export class Machine {
  readonly #world: World;
  readonly #readers: (Reader | undefined)[];
  #keeper: Keeper | undefined;
  #service: Service | undefined;
  #last: LastWord | undefined;
  #started = 0;
  /** How long it is down after it was closed. */
  #closingMs = 0;

  constructor(world: World) {
    this.#world = world;
    this.#readers = Array.from({ length: world.config.followers }, () => undefined);
  }

  begin(): void {
    this.startAll();
  }

  get keeper(): Keeper | undefined {
    return this.#keeper;
  }

  get readers(): readonly (Reader | undefined)[] {
    return this.#readers;
  }

  throwInApply(): void {
    this.#service?.throwNext();
  }

  kill(downMs: number): void {
    // In every other case the service, which is a process of its own.
    if (this.#service !== undefined && downMs % 2 === 1) {
      this.#killService(downMs);
      return;
    }
    this.killKeeper(downMs);
  }

  killKeeper(downMs: number): void {
    const keeper = this.#keeper;
    if (keeper === undefined) return;
    this.#killKeeper(keeper);
    this.#later(downMs, () => this.#startKeeper());
  }

  close(downMs: number): void {
    const keeper = this.#keeper;
    if (keeper?.replica === undefined) return;
    this.#closingMs = downMs;
    keeper.close();
  }

  losePower(downMs: number): void {
    const keeper = this.#keeper;
    if (keeper !== undefined) {
      this.#killKeeper(keeper);
    }
    for (const reader of this.#readers) reader?.kill();
    if (this.#service !== undefined) this.#killService(downMs);
    this.#world.disk.losePower();
    this.#world.ills.powerLosses += 1;
    if (keeper !== undefined) this.#later(downMs, () => this.#startKeeper());
    for (const index of this.#readers.keys()) {
      if (this.#readers[index] === undefined) continue;
      this.#readers[index] = undefined;
      this.#later(downMs, () => this.#startReader(index));
    }
  }

  killReader(which: number, downMs: number): void {
    const index = which % Math.max(1, this.#readers.length);
    const reader = this.#readers[index];
    if (reader === undefined) return;
    reader.kill();
    this.#readers[index] = undefined;
    this.#later(downMs, () => this.#startReader(index));
  }

  /** Another process wants to keep the same copy. */
  async secondWriter(): Promise<void> {
    const world = this.#world;
    const before = this.#keeper;
    if (before?.replica === undefined) return;
    const fs = world.disk.process();
    const clock = new MachineClock(world.clock);
    const random = randomFor(world.seed, `second ${world.step}`);
    world.secondWriters += 1;
    try {
      const replica = await openReplica({
        source: world.connect(),
        path: DIRECTORY,
        fs,
        clock,
        random,
      });
      if (this.#keeper === before && before.replica !== undefined) {
        world.found("6 one writer", "a second one was let in");
      }
      fs.kill();
      clock.kill();
      await replica.close().catch(() => undefined);
    } catch (error) {
      world.trace.add(`second writer ${codeOf(error)}`);
    }
    fs.kill();
    clock.kill();
    world.secondWriters -= 1;
    world.secondWriterUntil = world.now();
  }

  /** Whoever is down is started. */
  startAll(): void {
    this.#startKeeper();
    this.#startService();
    for (const index of this.#readers.keys()) this.#startReader(index);
  }

  /** How the copy, or a follower's, differs from the bucket; `undefined`: all of them are the bucket, and say so. */
  difference(): string | undefined {
    const own = this.#keeper === undefined ? "nobody keeps it" : this.#keeper.difference();
    const served = own ?? this.#service?.difference();
    if (served !== undefined) return served;
    for (const reader of this.#readers) {
      const problem =
        reader?.difference() ?? (reader === undefined ? "a reader is down" : undefined);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  check(isForced: boolean): void {
    this.#keeper?.check(isForced);
    for (const reader of this.#readers) reader?.check();
  }

  end(): void {
    this.#keeper?.kill();
    this.#service?.kill();
    for (const reader of this.#readers) reader?.kill();
  }

  #killKeeper(keeper: Keeper): void {
    this.#last = keeper.lastWord();
    this.#world.diedAt = this.#world.now();
    keeper.kill();
    this.#keeper = undefined;
  }

  #startKeeper(): void {
    if (this.#keeper !== undefined) return;
    this.#started += 1;
    const keeper = new Keeper(this.#world, this.#started, (wasOpen) => {
      if (this.#keeper !== keeper) return;
      this.#keeper = undefined;
      this.#world.diedAt = this.#world.now();
      this.#last = keeper.lastWord();
      this.#later(wasOpen ? this.#closingMs : this.#retryMs, () => this.#startKeeper());
    });
    this.#keeper = keeper;
    const last = this.#last;
    this.#last = undefined;
    keeper.start(last);
  }

  #startService(): void {
    if (!this.#world.config.hasService || this.#service !== undefined) return;
    this.#started += 1;
    const service = new Service(this.#world, this.#started, () => {
      if (this.#service !== service) return;
      this.#service = undefined;
      this.#later(this.#retryMs, () => this.#startService());
    });
    this.#service = service;
    service.start();
  }

  #killService(downMs: number): void {
    this.#service?.kill();
    this.#service = undefined;
    this.#later(downMs, () => this.#startService());
  }

  #startReader(index: number): void {
    if (this.#readers[index] !== undefined) return;
    this.#started += 1;
    const reader = new Reader(this.#world, `reader ${this.#started}`);
    this.#readers[index] = reader;
    reader.start();
  }

  get #retryMs(): number {
    return RETRY_PAUSES * this.#world.config.pauseMs;
  }

  #later(ms: number, start: () => void): void {
    this.#world.clock.schedule(ms, start);
  }
}
