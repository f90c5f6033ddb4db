import type { Random } from "../../src/platform/index.js";
import { integerBelow, randomFor } from "../../src/testing/simulation/random.js";
import type { SimConfig, Weighted } from "./config.js";
import type { Action, ClosingDeed, Deed } from "./deed.js";

const CODES = ["watch-error", "timeout", "not-connected"] as const;
const FAILING = ["read", "write", "sync", "rename"] as const;
/** What makes a store fail that is only written. */
const STOPPING = ["write", "sync", "rename"] as const;
/** Most of what lasts is over after so many actions. */
const SPAN_PAUSES = 25;
/** How often keys are lost in the end where that is what is tried. */
const CLOSING_ROUNDS = 5;

/** The actions of a seed, one after the other, without an end. What happens in the world changes nothing about them. */
export class ActionSource {
  readonly #config: SimConfig;
  readonly #random: Random;
  readonly #kinds: readonly Weighted[];
  readonly #total: number;
  #at = 0;

  constructor(seed: number, config: SimConfig) {
    this.#config = config;
    this.#random = randomFor(seed, "actions");
    this.#kinds = Object.keys(config.weights) as Weighted[];
    this.#total = this.#kinds.reduce((sum, kind) => sum + config.weights[kind], 0);
  }

  next(): Action {
    this.#at += Math.round(-Math.log(1 - this.#random()) * this.#config.pauseMs);
    return { at: this.#at, ...this.#deed() };
  }

  /**
   * What is done once the copy is the bucket and nothing is written any more: losses of which no record tells, which only a count or an
   * audit finds. Or the clock is set, and noticed, and what is written then is over while the line is cut.
   */
  closing(): readonly ClosingDeed[] {
    if (this.#config.campaign === "growing old") return this.#outliving();
    if (this.#config.weights.operator === 0) return [];
    if (this.#config.campaign !== "lost in silence") return this.#losses();
    const rounds = Array.from({ length: CLOSING_ROUNDS }, () =>
      this.#random() < 1 / 2 ? this.#losses() : this.#hiddenLosses(),
    );
    return rounds.flatMap((losses) => [...losses, { do: "converge" as const }]);
  }

  /** As many markers are left as keys go while it is away: the number of records is the number of the keys that it has. */
  #hiddenLosses(): readonly ClosingDeed[] {
    const first = this.#below(this.#config.keys);
    const pairs = 1 + this.#below(2);
    const each = (deed: (pair: number) => Deed): Deed[] =>
      Array.from({ length: pairs }, (_, pair) => deed(pair));
    return [
      { do: "drop-markers" },
      ...each((pair) => ({ do: "put", key: first + pair, bytes: 1 })),
      ...each((pair) => ({ do: "delete", key: first + pairs + pair })),
      { do: "converge" },
      { do: "kill", downMs: 100 },
      ...each((pair) => ({ do: "drop-key", key: first + pair })),
    ];
  }

  #outliving(): readonly ClosingDeed[] {
    const put = (): Deed => ({ do: "put", key: this.#below(this.#config.keys), bytes: 1 });
    return [
      this.#clock(),
      { do: "wait", ms: 50_000 },
      put(),
      put(),
      put(),
      { do: "wait", ms: 2000 },
      { do: "cut", ms: 50_000 },
      { do: "wait", ms: 51_000 },
    ];
  }

  #losses(): readonly Deed[] {
    const loss = (): Deed => ({ do: "drop-key", key: this.#below(this.#config.keys) });
    const losses = [loss(), loss(), loss()];
    // While it is away, so that it resumes: a resume proves less.
    const kill: Deed = { do: "kill", downMs: 100 };
    return this.#one<readonly Deed[]>([
      losses,
      [{ do: "drop-markers" }, ...losses],
      [kill, { do: "drop-markers" }, ...losses],
    ]);
  }

  #deed(): Deed {
    let left = this.#random() * this.#total;
    for (const kind of this.#kinds) {
      left -= this.#config.weights[kind];
      if (left < 0) return this.#deedOf(kind);
    }
    return this.#deedOf("write");
  }

  #deedOf(kind: Weighted): Deed {
    switch (kind) {
      case "write":
        return this.#write();
      case "burst":
        return { do: "burst", writes: 5 + this.#below(60), from: this.#below(this.#config.keys) };
      case "operator":
        return this.#operator();
      case "recreate":
        return this.#recreate();
      case "line":
        return this.#line();
      case "process":
        return this.#process();
      case "power":
        return this.#powerLoss();
      case "disk":
        return this.#disk();
      case "rot":
        return this.#rot();
      case "clock":
        return this.#clock();
      case "api":
        return this.#api();
    }
  }

  #clock(): Deed {
    const side = this.#random() < 1 / 2 ? -1 : 1;
    // By more than a copy may be wrong about the bucket's time.
    if (this.#config.campaign === "growing old") {
      return { do: "set-clock", byMs: side * (15_000 + this.#below(45_000)) };
    }
    return { do: "set-clock", byMs: Math.round(side * this.#random() * this.#span(60_000)) };
  }

  #write(): Deed {
    const key = this.#below(this.#config.keys);
    const dice = this.#random();
    if (dice < 0.15) return { do: "delete", key };
    if (dice < 0.2) return { do: "purge", key };
    const bytes = this.#below(this.#config.valueBytes);
    const isMortal = this.#config.bucket.markerTtlMs !== undefined && this.#random() < 0.2;
    if (!isMortal) return { do: "put", key, bytes };
    return { do: "put", key, bytes, ttlMs: 1000 * (1 + this.#below(20)) };
  }

  #operator(): Deed {
    if (this.#config.campaign === "lost in silence" && this.#random() < 1 / 2) {
      return this.#loseUnseen();
    }
    const share = this.#random();
    return this.#one<Deed>([
      { do: "evict", share },
      { do: "drop-markers" },
      { do: "drop-message", share },
      { do: "drop-message", share },
      { do: "purge-keys", prefix: this.#one(["a.", "b.1", ""]) },
      this.#loseUnseen(),
    ]);
  }

  #loseUnseen(): Deed {
    return {
      do: "lose-unseen",
      by: this.#one(["kill", "cut"] as const),
      ms: 50 + this.#span(3000),
      keys: Array.from({ length: 1 + this.#below(3) }, () => this.#below(this.#config.keys)),
      withMarkers: this.#random() < 2 / 3,
    };
  }

  #recreate(): Deed {
    if (this.#config.campaign === "made again" && this.#random() < 1 / 3) return this.#makeAgain();
    return this.#one<Deed>([
      this.#makeAgain(),
      { do: "back-up" },
      { do: "back-up" },
      { do: "back-up" },
      { do: "roll-back" },
      this.#rollBackUnseen(),
      this.#rollBackUnseen(),
      this.#rollBackUnseen(),
    ]);
  }

  /** Where that is what is tried, whoever keeps the copy mostly dies while it makes it that of the new one. */
  #makeAgain(): Deed {
    if (this.#config.campaign !== "made again") return { do: "make-again" };
    return { do: "make-again", killAfterMs: this.#below(2000) };
  }

  /**
   * Found at the next start only, and the bucket may have outgrown the copy's position by then. Logs of format 2 do not say when what is
   * at their position was stored: there the copy is not live before the audit.
   */
  #rollBackUnseen(): Deed {
    const writes = this.#below(60);
    if (this.#random() < 1 / 2) return { do: "roll-back", downMs: this.#span(5000), writes };
    // For so long that its watch ends: who goes on in the same process knows all removals, and an equal number of records is enough for it.
    return { do: "roll-back", cutMs: 5500 + this.#span(5000), writes };
  }

  #powerLoss(): Deed {
    const downMs = this.#span(5000);
    // Every other time it has nobody to ask when it comes back.
    return this.#random() < 1 / 2 && this.#config.campaign !== "dark starts"
      ? { do: "power-loss", downMs }
      : { do: "power-loss", downMs, cutMs: downMs + this.#span(15_000) };
  }

  /** Mostly of the log, and half of the time it is read at once; some of those times with nobody to ask what it should be. */
  #rot(): Deed {
    const rot = { do: "rot", bits: 1 + this.#below(3), inLog: this.#random() < 3 / 4 } as const;
    if (this.#random() < 1 / 2) return rot;
    const downMs = this.#below(50);
    if (this.#random() < 1 / 2) return { ...rot, downMs };
    return { ...rot, downMs, cutMs: downMs + this.#span(5000) };
  }

  #line(): Deed {
    if (this.#config.campaign === "late words") return this.#moment();
    // For longer than most of what is in the bucket has left.
    if (this.#config.campaign === "growing old") return { do: "cut", ms: this.#below(60_000) };
    return this.#one<Deed>([
      { do: "cut", ms: this.#span(15_000) },
      { do: "cut", ms: this.#below(50) },
      { do: "freeze", ms: this.#span(12_000) },
      { do: "hold-bookmarks", ms: this.#span(8000) },
      { do: "slow-line", ms: this.#span(10_000), latencyMs: this.#span(1500) },
      { do: "break-watches", code: this.#one(CODES) },
    ]);
  }

  /** The line is lost for less time than the disk takes, or what is said comes late. */
  #moment(): Deed {
    return this.#one<Deed>([
      { do: "cut", ms: 1 + this.#below(300) },
      { do: "cut", ms: 1 + this.#below(1500) },
      { do: "freeze", ms: this.#below(1500) },
      { do: "hold-bookmarks", ms: this.#below(3000) },
    ]);
  }

  #process(): Deed {
    const downMs = this.#span(20_000);
    return this.#one<Deed>([
      { do: "kill", downMs },
      { do: "kill", downMs: this.#below(50) },
      { do: "close", downMs },
      { do: "kill-follower", which: this.#below(2), downMs },
      { do: "second-writer" },
      { do: "throw-in-apply" },
      { do: "slow-service", ms: this.#span(3000) },
    ]);
  }

  #disk(): Deed {
    if (this.#config.campaign === "sick disk") return this.#sickDisk();
    if (this.#config.campaign === "stalled") return this.#stall();
    const ms = this.#span(15_000);
    const chance = this.#one([0.05, 0.5, 1]);
    return this.#one<Deed>([
      { do: "disk-full", ms, leftBytes: this.#below(4000) },
      { do: "disk-fails", what: this.#one(FAILING), chance, ms },
      { do: "disk-fails", what: this.#one(FAILING), chance, ms: this.#below(100) },
      { do: "slow-disk", ms, latencyMs: this.#span(4000) },
    ]);
  }

  /** Writes fail for a while and are tried again, while more comes. */
  #sickDisk(): Deed {
    const ms = (10 + this.#below(30)) * this.#config.pauseMs;
    return { do: "disk-fails", what: this.#one(STOPPING), chance: this.#one([0.2, 0.5]), ms };
  }

  /** Longer than all that may wait takes to come. */
  #stall(): Deed {
    const ms = (150 + this.#below(150)) * this.#config.pauseMs;
    return this.#one<Deed>([
      { do: "disk-fails", what: "write", chance: 1, ms },
      { do: "slow-disk", ms: 10, latencyMs: ms },
    ]);
  }

  #api(): Deed {
    return this.#one<Deed>([
      { do: "read-fresh", maxStalenessMs: this.#span(10_000), key: this.#below(this.#config.keys) },
      { do: "wait-for" },
      { do: "wait-for" },
      { do: "audit" },
      {
        do: "follow-changes",
        maxQueued: this.#one([1, 10, 10_000]),
        pauseMs: this.#one([0, 0, 300]),
      },
    ]);
  }

  #below(count: number): number {
    return integerBelow(this.#random, count);
  }

  /** From 0 up to this, short ones more often. Nine in ten are over after some dozen actions; else most of a run is spent in one outage. */
  #span(mostMs: number): number {
    const most =
      this.#random() < 0.9 ? Math.min(mostMs, SPAN_PAUSES * this.#config.pauseMs) : mostMs;
    return Math.round(this.#random() ** 3 * most);
  }

  #one<T>(choices: readonly T[]): T {
    return choices[this.#below(choices.length)] as T;
  }
}
