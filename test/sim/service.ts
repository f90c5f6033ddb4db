import { isMillpondError } from "../../src/errors/index.js";
import { sleep } from "../../src/platform/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { MachineClock } from "../../src/testing/simulation/machine-clock.js";
import { randomFor } from "../../src/testing/simulation/random.js";
import type { ProcessDisk } from "../../src/testing/simulation/simulated-disk.js";
import { SimulatedLink } from "../../src/testing/simulation/simulated-link.js";
import type { KvUpdate, WatchCursor } from "../../src/values/index.js";
import { type BucketFacts, type CursorOrigin, watchApplied } from "../../src/watch/index.js";
import { auditIntervalOf } from "./config.js";
import { viewOf, type ShownEntry } from "./judge.js";
import type { World } from "./world.js";

const PATH = "/service/state.snap";
const MEMORY_BYTES = 16 * 1024 * 1024;

class ThrownByApply extends Error {}

/** One process that keeps a state of its own by `watchApplied`, whose `apply` can be slow or throw. */
export class Service {
  readonly #world: World;
  readonly #name: string;
  readonly #fs: ProcessDisk;
  readonly #clock: MachineClock;
  readonly #link: SimulatedLink;
  readonly #stop = new AbortController();
  readonly #onEnd: () => void;
  #state = new Map<string, ShownEntry>();
  /** Handed to `parse`, and not applied yet. */
  readonly #parsed = new Set<KvUpdate>();
  #cursor: bigint | undefined;
  readonly #startedAt: number;
  #reachedAt: number;
  #isApplying = false;
  #throwsNext = false;
  #isDead = false;
  #isFollowing = false;
  #isRepairing = false;

  /** `onEnd`: told when it has ended by itself. */
  constructor(world: World, number: number, onEnd: () => void) {
    this.#world = world;
    this.#name = `service ${number}`;
    this.#onEnd = onEnd;
    this.#fs = world.disk.process();
    this.#clock = new MachineClock(world.clock, () => world.aheadMs);
    const random = randomFor(world.seed, `${this.#name} line`);
    this.#link = new SimulatedLink(world.connect(), new MachineClock(world.clock), random);
    this.#startedAt = world.now();
    this.#reachedAt = world.now();
    world.line.adopt("service", this.#link);
  }

  start(): void {
    this.#run().then(
      () => this.#ended("stopped"),
      (error: unknown) => this.#ended(error),
    );
  }

  throwNext(): void {
    this.#throwsNext = true;
  }

  kill(): void {
    this.#isDead = true;
    this.#clock.kill();
    this.#fs.kill();
    this.#link.kill();
    this.#world.line.adopt("service", undefined);
    this.#stop.abort();
  }

  /** How its state differs from the bucket. */
  difference(): string | undefined {
    if (!this.#isFollowing) return "the service has not caught up";
    return this.#world.serviceJudge.equal(this.#state, true);
  }

  async #run(): Promise<void> {
    const { seed, config } = this.#world;
    const { countIntervalMs, windowMs, maxUpdates, queueCapacity, compactThreshold } =
      config.replica;
    const random = randomFor(seed, this.#name);
    await using store = await AppendLogSnapshot.open(PATH, {
      fs: this.#fs,
      clock: this.#clock,
      random,
      compactThreshold,
      durability: "power",
      maxMemoryBytes: MEMORY_BYTES,
    });
    if (this.#isDead) return;
    this.#state = new Map(viewOf(Array.from(store.range(""), shownOf)));
    this.#cursor = store.cursor().toU64();
    await watchApplied<KvUpdate>({
      source: this.#link,
      auditor: this.#link,
      store,
      origin: this.#origin(),
      countIntervalMs,
      auditIntervalMs: auditIntervalOf(config),
      batch: { windowMs, maxUpdates, queueCapacity },
      parse: (update) => {
        if (update.version.isUnknown) this.#withdraw(update.key);
        // A repair leaves out what the state has already.
        if (!this.#isRepairing) this.#parsed.add(update);
        return update;
      },
      apply: (batch) => this.#apply(batch),
      onApplied: (cursor) => this.#reported(cursor),
      onEvent: ({ type }) => {
        if (this.#isDead) return;
        this.#world.trace.add(`${this.#name} ${type}`);
        if (type === "caught-up") this.#isFollowing = true;
        if (type === "retrying" || type === "watching") this.#isFollowing = false;
        // What it held back for a watch that has ended comes again.
        if (type === "watching") this.#parsed.clear();
        if (type === "watching") this.#isRepairing = false;
        if (type === "repair-started") this.#isRepairing = true;
        if (type === "repair-finished") this.#isRepairing = false;
      },
      maxStoreFailures: Infinity,
      signal: this.#stop.signal,
      clock: this.#clock,
      random,
    });
  }

  /** A removal without a version takes the place of what came before it in its batch, where the bucket has dropped that. */
  #withdraw(key: string): void {
    for (const update of this.#parsed) if (update.key === key) this.#parsed.delete(update);
  }

  async #apply(batch: readonly KvUpdate[]): Promise<void> {
    const world = this.#world;
    if (this.#isApplying) world.found("1 apply is called by one at a time", this.#name);
    this.#isApplying = true;
    try {
      if (world.applyMs > 0) await sleep(this.#clock, world.applyMs, this.#stop.signal);
      if (this.#throwsNext) {
        this.#throwsNext = false;
        throw new ThrownByApply();
      }
      for (const update of batch) {
        this.#parsed.delete(update);
        if (update.kind === "put") this.#state.set(update.key, shownOf(update));
        else this.#state.delete(update.key);
      }
    } finally {
      this.#isApplying = false;
    }
  }

  #reported(cursor: WatchCursor): void {
    if (this.#isDead) return;
    const world = this.#world;
    const position = cursor.toU64();
    if (position !== this.#cursor) this.#reachedAt = world.now();
    this.#cursor = position;
    if (position === undefined) return;
    for (const { key, version } of this.#parsed) {
      const revision = version.toU64();
      if (revision === undefined || revision > position) continue;
      world.found("1 cursor after apply", `${position} reported before ${key}@${revision}`);
    }
    const problem = world.serviceJudge.whole(this.#state, position, this.#reachedAt);
    world.found("1 cursor after apply of a service", problem);
  }

  /** Notes for ever, and at once, whose the positions are. */
  #origin(): CursorOrigin {
    const world = this.#world;
    return {
      read: async (): Promise<BucketFacts> => {
        const { name, ...info } = await this.#link.info();
        return { bucket: name, ...info };
      },
      refusal: ({ created }) => (world.serviceMaking === created ? undefined : "foreign-cursor"),
      adopt: async ({ created }) => {
        if (!this.#isDead) world.serviceMaking = created;
      },
    };
  }

  #ended(why: unknown): void {
    if (this.#isDead) return;
    const world = this.#world;
    const code = isMillpondError(why) ? why.code : String(why);
    world.trace.add(`${this.#name} ended ${code}`);
    const isExpected =
      why instanceof ThrownByApply ||
      (code === "io" && world.wasDiskIll(this.#startedAt)) ||
      (isMillpondError(why) && world.ills.rots > 0);
    if (!isExpected) world.found("9 never stops by itself", `${this.#name}: ${code}`);
    this.kill();
    if (code === "invalid-format") world.removeFile(PATH, this.#onEnd);
    else this.#onEnd();
  }
}

function shownOf(entry: {
  readonly key: string;
  readonly value: Uint8Array;
  readonly version: { toU64(): bigint | undefined };
}): ShownEntry {
  const { key, value, version } = entry;
  return { key, value, revision: version.toU64() };
}
