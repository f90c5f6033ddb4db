import type { KvStore } from "../../src/kv/index.js";
import type { Durability, LogFormat } from "../../src/log/index.js";
import { connect } from "../../src/nats/index.js";
import type { Random } from "../../src/platform/index.js";
import type { KvEntry } from "../../src/values/index.js";
import { runCli, type CliResult } from "../support/cli.js";
import { startNatsServer, type ServerVersion } from "../support/nats-server.js";
import { integerBelow, randomFrom } from "../support/seed.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";
import { CopyJudge } from "./copy-judge.js";
import { FollowerProcess } from "./follower-process.js";
import { Journal } from "./journal.js";
import { couldNotConnect, liveAndDie, liveAndDieOnTheCommandLine, type Life } from "./life.js";
import { randomManner, type Manner } from "./manner.js";
import { MirrorProcess } from "./mirror-process.js";
import type { MirrorOrder } from "./orders.js";
import type { Tally } from "./tally.js";
import { Traffic } from "./traffic.js";
import { demand } from "./violation.js";

const BUCKET = "killed";
const COMPACT_THRESHOLD = 8 * 1024;
/** How often each process of followers looks, in milliseconds; each is replaced by a new one every so many kills. */
const POLLS_MS = [50, 200];
const REPLACE_EVERY = 40;
/** Updates that come at most between two mirrors, and until the last follower has come to the end. */
const UPDATES_BETWEEN = 60;
const FOLLOWED_MS = 30_000;
/** A starved machine may keep a server from answering in time. */
const LAST_RUNS = 5;

/** How a copy is kept. */
export interface Variant {
  readonly format: LogFormat;
  readonly durability: Durability;
}

/** One bucket, a process with some copies of it, and two more with followers of each. */
export interface Cell {
  readonly server: ServerVersion;
  readonly variants: readonly Variant[];
  /** Whether the disk falls ill now and then. */
  readonly isSick: boolean;
  readonly seed: number;
  /** How many processes are killed. */
  readonly signals: number;
  readonly updatesPerSecond: number;
  /** What is waited for may take so many times as long as it should: for a machine that has others to serve. */
  readonly patience: number;
}

/**
 * Mirrors a bucket on a real server while it is written to, in processes that are killed (SIGKILL) one after the other, and judges
 * what is on the disk after each and what the followers of the copies show at any time. Throws `Violation` at the first thing
 * that is not as promised; `tallies`, one a variant, have what was done up to then. `goOn` is asked after each kill.
 */
export async function runCell(
  cell: Cell,
  tallies: readonly Tally[],
  goOn: () => boolean = () => true,
): Promise<void> {
  const random = randomFrom(cell.seed);
  await using folder = await tempDirectory();
  await using server = await startNatsServer({ version: cell.server });
  await using connection = await connect({ servers: server.url });
  const bucket = await connection.createBucket(BUCKET, { maxBytes: 1 << 30 });
  const journal = new Journal();
  const traffic = new Traffic(bucket, journal, random);
  const judges = cell.variants.map((variant, index) => {
    const order = { ...variant, path: folder.file(`copy-${index}`), death: undefined };
    const tally = tallies[index];
    if (tally === undefined) throw new Error("a tally for each variant is missing");
    return new CopyJudge({ ...order, sickness: undefined }, tally, {
      traffic,
      journal,
      patience: cell.patience,
      isSick: cell.isSick,
    });
  });
  await traffic.seed();
  await using run = new CellRun(cell, server.url, random, { traffic, journal, judges });
  const writing = traffic.run(cell.updatesPerSecond);
  try {
    for (let signal = 0; signal < cell.signals && goOn(); signal += 1) await run.kill(signal);
  } finally {
    traffic.stop();
    await writing;
    for (const { tally } of judges) tally.written += traffic.written;
  }
  await run.converge(bucket);
}

interface Parts {
  readonly traffic: Traffic;
  readonly journal: Journal;
  readonly judges: readonly CopyJudge[];
}

class CellRun implements AsyncDisposable {
  readonly #cell: Cell;
  readonly #servers: string;
  readonly #random: Random;
  readonly #parts: Parts;
  readonly #followers: FollowerProcess[];
  /** Is up while the one before it is judged. */
  #next = new MirrorProcess();

  constructor(cell: Cell, servers: string, random: Random, parts: Parts) {
    this.#cell = cell;
    this.#servers = servers;
    this.#random = random;
    this.#parts = parts;
    this.#followers = POLLS_MS.map((_pollMs, number) => this.#follower(number));
  }

  async kill(signal: number): Promise<void> {
    const { traffic, journal, judges } = this.#parts;
    const killed = await this.#live();
    traffic.pauseAfter(integerBelow(this.#random, UPDATES_BETWEEN));
    await traffic.settled();
    for (const [judge, life] of killed) await judge.judge(life);
    for (const follower of this.#followers) follower.check();
    journal.forget(judges.flatMap(({ copies }) => copies));
    if (signal % REPLACE_EVERY === REPLACE_EVERY - 1) await this.#replaceFollower(signal);
  }

  /** A last run to its end; then the copies, and what the followers show, have to equal the bucket. */
  async converge(bucket: KvStore): Promise<void> {
    const entries: KvEntry[] = [];
    for await (const entry of bucket.scan()) entries.push(entry);
    const { patience } = this.#cell;
    for (const judge of this.#parts.judges) {
      const { path, format } = judge.order;
      const to = ["--to", path, "--nats", this.#servers, "--format", String(format)];
      const last = await mirrorOnce(to);
      demand(last.status === 0, "wrong", `the last mirror --once failed: ${last.stderr}`);
      await judge.refresh();
      await until(
        "its followers have come to the end",
        () => judge.isFollowed,
        FOLLOWED_MS * patience,
      );
      judge.requireEqual(entries);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of [this.#next, ...this.#followers]) await each[Symbol.asyncDispose]();
  }

  /** Resolves with those whose mirrors were killed. */
  async #live(): Promise<(readonly [CopyJudge, Life])[]> {
    const manner = randomManner(this.#random, this.#cell.isSick);
    const { judges, traffic } = this.#parts;
    const chosen = integerBelow(this.#random, judges.length);
    const order = this.#order(manner, chosen);
    if (manner.kind === "command line") {
      const judge = judges[chosen];
      if (judge === undefined) throw new Error("there is no copy");
      traffic.goOn();
      const life = await liveAndDieOnTheCommandLine(order, judge.order, manner);
      return life === undefined ? [] : [[judge, life]];
    }
    await using mirror = this.#next;
    this.#next = new MirrorProcess();
    const lives = await liveAndDie(mirror, order, manner, () => traffic.goOn());
    return lives.flatMap((life, index) => {
      const judge = judges[index];
      return judge === undefined ? [] : [[judge, life] as const];
    });
  }

  /** At most one of the copies has a death of its own, which is that of all. */
  #order(manner: Manner, chosen: number): MirrorOrder {
    const copies = this.#parts.judges.map(({ order }, index) => ({
      ...order,
      death: index === chosen && "death" in manner ? manner.death : undefined,
      sickness: this.#cell.isSick ? integerBelow(this.#random, 2 ** 31) : undefined,
    }));
    const servers = this.#servers;
    const { patience } = this.#cell;
    return { servers, bucket: BUCKET, compactThreshold: COMPACT_THRESHOLD, copies, patience };
  }

  #follower(number: number): FollowerProcess {
    const { judges } = this.#parts;
    return new FollowerProcess(
      judges.map(({ order }) => order.path),
      POLLS_MS[number] ?? 25,
      judges.map((judge) => judge.newFollower(number)),
    );
  }

  async #replaceFollower(signal: number): Promise<void> {
    const number = Math.floor(signal / REPLACE_EVERY) % this.#followers.length;
    await this.#followers[number]?.[Symbol.asyncDispose]();
    this.#followers[number] = this.#follower(number);
  }
}

async function mirrorOnce(argv: readonly string[]): Promise<CliResult> {
  for (let run = 1; ; run += 1) {
    const last = await runCli("mirror", BUCKET, ...argv, "--once", "--json");
    if (last.status === 0 || run === LAST_RUNS || !couldNotConnect(last)) return last;
  }
}
