import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readSnapshot, SnapshotWriter, verify } from "../../src/log/index.js";
import { stateAt } from "../support/revisions.js";
import { integerBelow, randomFrom } from "../support/seed.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";
import { told } from "../support/updates.js";

const FIGHTER = join(
  dirname(fileURLToPath(import.meta.url)),
  "..",
  "support",
  "lock-fighter.child.js",
);
/** How many of the kills are to hit the one that has the log, as far as that can be told, and how long after it is seen. */
const HOLDER_SHARE = 0.8;
const LONGEST_PAUSE_MS = 60;

export interface LockFightOptions {
  readonly seed: number;
  /** Processes at a time. */
  readonly fighters: number;
  readonly kills: number;
  /** Called after each kill. */
  readonly onKill?: (done: number) => void;
}

export interface LockFightReport {
  readonly kills: number;
  /** Kills that hit the one that had the log. */
  readonly killsOfHolders: number;
  readonly acquired: number;
  readonly acknowledged: number;
  /** The last cursor that was acknowledged. */
  readonly cursor: number;
}

/**
 * Lets several processes fight for one log while they are killed at random, and judges what they did by their journal. Throws at
 * the first thing that is not as promised: two that had the log at a time, one that lost what another had acknowledged, a lock
 * that outlived its holder.
 */
export async function runLockFight(options: LockFightOptions): Promise<LockFightReport> {
  const random = randomFrom(options.seed);
  await using directory = await tempDirectory();
  const [path, journal] = [directory.file("log.snap"), directory.file("journal")];
  const start = (): ChildProcess =>
    spawn(process.execPath, [FIGHTER, path, journal, String(integerBelow(random, 2 ** 31))], {
      stdio: ["ignore", "ignore", "inherit"],
    });
  const fighters = Array.from({ length: options.fighters }, start);
  const killed = new Set<number>();
  try {
    for (let kills = 1; kills <= options.kills; kills += 1) {
      const index =
        random() < HOLDER_SHARE
          ? await indexOfHolder(journal, fighters)
          : integerBelow(random, fighters.length);
      await delay(random() * LONGEST_PAUSE_MS);
      await kill(fighters[index], killed);
      fighters[index] = start();
      options.onKill?.(kills);
    }
  } finally {
    for (const fighter of fighters) await kill(fighter, killed);
  }
  const report = judge(await readFile(journal, "utf8"), killed);
  await checkLog(path, report.cursor);
  return { kills: killed.size, ...report };
}

/** Waits until one of those that live says something. */
async function indexOfHolder(journal: string, fighters: readonly ChildProcess[]): Promise<number> {
  return await until("one of them has the log", async () => {
    const lines = await readFile(journal, "utf8").catch(() => "");
    const last = Number(lines.split("\n").at(-2)?.split(" ")[0]);
    const index = fighters.findIndex(({ pid }) => pid === last);
    return index === -1 ? undefined : index;
  });
}

async function kill(fighter: ChildProcess | undefined, killed: Set<number>): Promise<void> {
  assert.ok(fighter?.pid !== undefined);
  assert.equal(fighter.exitCode, null, "a fighter ended by itself");
  killed.add(fighter.pid);
  const exited = once(fighter, "exit");
  fighter.kill("SIGKILL");
  await exited;
}

function judge(journal: string, killed: ReadonlySet<number>): Omit<LockFightReport, "kills"> {
  let holder: number | undefined;
  let [killsOfHolders, acquired, acknowledged, cursor] = [0, 0, 0, 0];
  const dead = new Set<number>();
  for (const line of journal.split("\n").slice(0, -1)) {
    const [pid, what, value] = line.split(" ");
    const from = Number(pid);
    assert.ok(!dead.has(from), `${line}: somebody else had the log since`);
    if (what === "acquired") {
      if (holder !== undefined) {
        assert.ok(killed.has(holder), `${line}: ${holder} has it and was not killed`);
        dead.add(holder);
        killsOfHolders += 1;
      }
      assert.ok(Number(value) >= cursor, `${line}: ${cursor} was acknowledged`);
      holder = from;
      acquired += 1;
      continue;
    }
    assert.equal(from, holder, `${line}: ${holder} has it`);
    if (what === "released") {
      holder = undefined;
    } else {
      assert.equal(what, "acknowledged", line);
      cursor = Number(value);
      acknowledged += 1;
    }
  }
  return { killsOfHolders, acquired, acknowledged, cursor };
}

/** The next open has it at once, and all that was acknowledged is there. */
async function checkLog(path: string, acknowledged: number): Promise<void> {
  await (await SnapshotWriter.open(path, Infinity, { onCorruption: "throw" })).close();
  await verify(path);
  const snapshot = await readSnapshot(path);
  const cursor = Number(snapshot?.cursor.toU64() ?? 0n);
  assert.ok(cursor >= acknowledged, `cursor ${cursor}, but ${acknowledged} was acknowledged`);
  const found = told(snapshot?.entries.values() ?? []).toSorted();
  assert.deepEqual(found, told(stateAt(cursor).values()).toSorted());
}
