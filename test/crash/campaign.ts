import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { KvStore } from "../../src/kv/index.js";
import { readSnapshot, verify } from "../../src/log/index.js";
import { connect } from "../../src/nats/index.js";
import type { Random } from "../../src/platform/clock.js";
import { WatchCursor, type KvEntry } from "../../src/values/index.js";
import { runCli, startCli, type CliRecord } from "../support/cli.js";
import { type ServerVersion, startNatsServer } from "../support/nats-server.js";
import { randomFrom } from "../support/seed.js";
import { Journal } from "./journal.js";
import { Traffic } from "./traffic.js";

const BUCKET = "killed";
/** How many of the kills come at any moment from the start on, and how late; the others wait until it has caught up. */
const EARLY_SHARE = 0.4;
const EARLY_WITHIN_MS = 600;
const LATE_WITHIN_MS = 400;

export interface CampaignOptions {
  readonly server: ServerVersion;
  readonly seed: number;
  readonly kills: number;
  readonly updatesPerSecond: number;
  /** Called after each kill. */
  readonly onKill?: (done: number, report: CampaignReport) => void;
}

export interface CampaignReport {
  kills: number;
  /** Kills that hit after the mirror had said that it was caught up; the others hit earlier. */
  killsAfterReady: number;
  /** Starts that went on from a cursor. */
  resumes: number;
  updatesWritten: number;
  /** What the server took of the rate asked for. */
  updatesPerSecond: number;
  /** Updates that the mirrors received in all, as far as they said. */
  updatesReceived: number;
  keys: number;
}

/**
 * Mirrors a bucket on a real server in a child process while it is being written to, kills the child with SIGKILL at
 * random moments, and judges what is on disk after each kill. Throws at the first thing that is not as promised.
 */
export async function runKillCampaign(options: CampaignOptions): Promise<CampaignReport> {
  const random = randomFrom(options.seed);
  const folder = await mkdtemp(join(tmpdir(), "millpond-kill-"));
  const directory = join(folder, "copy");
  await using server = await startNatsServer({ version: options.server });
  await using connection = await connect({ servers: server.url });
  const bucket = await connection.createBucket(BUCKET, { maxBytes: 1 << 30 });
  const journal = new Journal();
  const traffic = new Traffic(bucket, journal, random);
  const report: CampaignReport = {
    kills: 0,
    killsAfterReady: 0,
    resumes: 0,
    updatesWritten: 0,
    updatesPerSecond: 0,
    updatesReceived: 0,
    keys: 0,
  };
  try {
    await traffic.seed();
    const startedAt = performance.now();
    const writing = traffic.run(options.updatesPerSecond);
    try {
      await killRepeatedly(options, {
        directory,
        url: server.url,
        random,
        traffic,
        journal,
        report,
      });
    } finally {
      traffic.stop();
      await writing;
    }
    report.updatesWritten = traffic.written;
    report.updatesPerSecond = Math.round(
      (traffic.written * 1000) / (performance.now() - startedAt),
    );
    report.keys = await assertConverged(directory, server.url, bucket);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return report;
}

interface Scene {
  readonly directory: string;
  readonly url: string;
  readonly random: Random;
  readonly traffic: Traffic;
  readonly journal: Journal;
  readonly report: CampaignReport;
}

async function killRepeatedly(options: CampaignOptions, scene: Scene): Promise<void> {
  const file = join(scene.directory, "copy.snap");
  let cursor = WatchCursor.none;
  while (scene.report.kills < options.kills) {
    const ready = await mirrorAndKill(scene, !cursor.isNone);
    await verify(file);
    const snapshot = await readSnapshot(file);
    const reached = snapshot?.cursor ?? WatchCursor.none;
    assert.ok((reached.toU64() ?? 0n) >= (cursor.toU64() ?? 0n), "the cursor on disk went back");
    if (ready !== undefined) {
      const said = WatchCursor.fromHex(String(ready["cursor"])).toU64() ?? 0n;
      assert.ok((reached.toU64() ?? 0n) >= said, "a cursor that was reported is not on disk");
    }
    await scene.traffic.settled();
    const entries = snapshot?.entries ?? new Map<string, KvEntry>();
    scene.journal.assertCopy(entries, reached);
    scene.journal.forget(entries, reached);
    cursor = reached;
    scene.report.kills += 1;
    scene.report.updatesWritten = scene.traffic.written;
    options.onKill?.(scene.report.kills, scene.report);
  }
}

/** Starts a mirror, kills it somewhere in its start, its catching up or its live phase, and says how far it had come. */
async function mirrorAndKill(scene: Scene, hadCursor: boolean): Promise<CliRecord | undefined> {
  const { directory, url, random, report } = scene;
  await using cli = startCli("mirror", BUCKET, "--to", directory, "--nats", url, "--json");
  const early = random() < EARLY_SHARE;
  if (!early) await cli.event("ready");
  await setTimeout(random() * (early ? EARLY_WITHIN_MS : LATE_WITHIN_MS));
  assert.equal(cli.child.exitCode, null, `the mirror ended by itself: ${cli.stderr}`);
  cli.child.kill("SIGKILL");
  const { records } = await cli.ended();
  for (const record of records) {
    const { event } = record;
    assert.ok(
      event !== "error" && event !== "repair",
      `no history was evicted, yet: ${JSON.stringify(record)}`,
    );
  }
  const ready = records.find(({ event }) => event === "ready");
  if (ready === undefined) return undefined;
  assert.equal(ready["resumed"], hadCursor, "a start with a cursor on disk resumes, and only that");
  report.killsAfterReady += 1;
  report.updatesReceived += Number(ready["received"]);
  if (hadCursor) report.resumes += 1;
  return ready;
}

/** A last run to the end; then the copy has to equal the bucket key for key, revision for revision, value for value. */
async function assertConverged(directory: string, url: string, bucket: KvStore): Promise<number> {
  const last = await runCli("mirror", BUCKET, "--to", directory, "--nats", url, "--once", "--json");
  assert.equal(last.status, 0, `the last mirror --once failed: ${last.stderr}`);
  const snapshot = await readSnapshot(join(directory, "copy.snap"));
  const copy = snapshot?.entries ?? new Map<string, KvEntry>();
  let keys = 0;
  for await (const entry of bucket.scan()) {
    keys += 1;
    const held = copy.get(entry.key);
    assert.equal(held?.version.toHex(), entry.version.toHex(), `revision of ${entry.key}`);
    assert.deepEqual(
      Buffer.from(held?.value ?? []),
      Buffer.from(entry.value),
      `value of ${entry.key}`,
    );
  }
  assert.equal(copy.size, keys, "the copy has keys that the bucket does not have");
  return keys;
}
