import { openFollower, type Follower, type FollowerEvent } from "../../src/replica/index.js";
import { MachineClock } from "../../src/testing/simulation/machine-clock.js";
import { randomFor } from "../../src/testing/simulation/random.js";
import type { ProcessDisk } from "../../src/testing/simulation/simulated-disk.js";
import { viewOf } from "./judge.js";
import { DIRECTORY, type World } from "./world.js";

/** One process that reads the copy along, from its start to its death. */
export class Reader {
  readonly #world: World;
  readonly #fs: ProcessDisk;
  readonly #clock: MachineClock;
  readonly #name: string;
  #follower: Follower | undefined;
  #isDead = false;
  #looked = "";
  #cursor: bigint | undefined;
  /** How often it was seen to go back. */
  #backs = 0;

  constructor(world: World, name: string) {
    this.#world = world;
    this.#name = name;
    this.#fs = world.disk.process();
    this.#clock = new MachineClock(world.clock, () => world.aheadMs);
  }

  get follower(): Follower | undefined {
    return this.#isDead ? undefined : this.#follower;
  }

  start(): void {
    const { config, seed } = this.#world;
    const opening = openFollower({
      path: DIRECTORY,
      fs: this.#fs,
      clock: this.#clock,
      random: randomFor(seed, this.#name),
      pollMs: config.pollMs,
      onEvent: (event) => this.#heard(event),
    });
    this.#opened(opening).catch((error: unknown) => {
      this.#world.found("9 a follower opens", String(error));
    });
  }

  async #opened(opening: Promise<Follower>): Promise<void> {
    this.#follower = await opening;
    if (this.#isDead) await this.#follower.close();
  }

  kill(): void {
    this.#isDead = true;
    this.#clock.kill();
    this.#fs.kill();
    this.#follower?.close().catch(() => undefined);
  }

  /** Looks whether what it shows is what the log said at one of its positions, and a later one than before. */
  check(): void {
    const { follower } = this;
    if (follower === undefined) return;
    const world = this.#world;
    const { cursor, size, state, wentBack, loads, jumps } = follower.status();
    const looked = `${state} ${cursor.toHex()} ${size} ${loads} ${jumps} ${wentBack}`;
    if (looked === this.#looked) return;
    this.#looked = looked;
    world.trace.add(looked);
    const position = cursor.toU64();
    const view = viewOf(follower.entries());
    // More may be shown than what the position stands for: where a sweep is due, updates are stored before the position that they reach.
    const problem = world.judge.whole(view, position, world.now());
    world.found("6 followers see what the log says", problem);
    if (this.#cursor !== undefined && (position ?? -1n) < this.#cursor) this.#backs += 1;
    this.#cursor = position;
    if (wentBack < this.#backs) {
      world.found("6 followers never go back in silence", `${this.#backs} times, told ${wentBack}`);
    }
  }

  /** How it differs from the bucket. */
  difference(): string | undefined {
    const { follower } = this;
    if (follower === undefined) return "a follower is not open";
    const { state, problem } = follower.status();
    if (state !== "following") return `a follower is ${state}: ${String(problem)}`;
    return this.#world.judge.equal(viewOf(follower.entries()), true);
  }

  #heard(event: FollowerEvent): void {
    if (!this.#isDead) this.#world.trace.add(`${this.#name} ${event.type}`);
  }
}
