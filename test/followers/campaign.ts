import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as delay } from "node:timers/promises";
import type { LogFormat } from "../../src/log/index.js";
import { integerBelow, randomFrom } from "../support/seed.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

const SUPPORT = join(dirname(fileURLToPath(import.meta.url)), "..", "support");

export interface FollowerCampaign {
  readonly seed: number;
  readonly followers: number;
  /** At least so many. */
  readonly compactions: number;
  /** How often the writer is killed (SIGKILL) and started again on the way. */
  readonly kills: number;
  readonly format: LogFormat;
  readonly deadlineMs: number;
}

/** What one follower saw. */
export interface FollowerReport {
  readonly counter: number;
  readonly checks: number;
  readonly loads: number;
  readonly jumps: number;
  readonly medianMs: number;
  readonly p99Ms: number;
}

export interface FollowerCampaignReport {
  readonly compactions: number;
  readonly batches: number;
  readonly followers: readonly FollowerReport[];
}

/**
 * One process writes, others follow it through its compactions and its deaths. Each checks every state that it sees; at the end
 * all of them have what the writer has. Throws otherwise, with the seed.
 */
export async function runFollowerCampaign(plan: FollowerCampaign): Promise<FollowerCampaignReport> {
  const random = randomFrom(plan.seed);
  await using directory = await tempDirectory();
  const path = directory.file("copy.snap");
  const children: Child[] = [];
  try {
    let writer = startWriter(path, plan, random);
    children.push(writer);
    const followers = Array.from({ length: plan.followers }, (_, index) =>
      start(
        "counting-follower.child.js",
        directory.path,
        String(index === 0 ? 25 : 1 + integerBelow(random, 40)),
      ),
    );
    children.push(...followers);
    let compactions = 0;
    for (let kill = 0; kill <= plan.kills; kill += 1) {
      const wanted = ((kill + 1) * plan.compactions) / (plan.kills + 1) - compactions;
      await until(
        "it has compacted",
        () => requireRunning(children, plan) && compactionsOf(writer) >= wanted,
        plan.deadlineMs,
      );
      if (kill === plan.kills) break;
      await delay(random() * 20);
      writer.process.kill("SIGKILL");
      await writer.ended;
      compactions += compactionsOf(writer);
      children.splice(children.indexOf(writer), 1);
      writer = startWriter(path, plan, random);
      children.push(writer);
    }
    compactions += compactionsOf(writer);
    writer.process.stdin?.end("end\n");
    await writer.ended;
    const { counter, digest } = reportOf(writer);
    const reports = await Promise.all(
      followers.map(async (follower) => {
        await until(
          "it has seen the end",
          () => follower.process.exitCode !== null,
          plan.deadlineMs,
        );
        assert.equal(follower.process.exitCode, 0, `seed ${plan.seed}: ${follower.stderr}`);
        return reportOf(follower) as FollowerReport & { readonly digest: string };
      }),
    );
    for (const report of reports) {
      assert.equal(report.counter, counter, `seed ${plan.seed}`);
      assert.equal(report.digest, digest, `seed ${plan.seed}`);
    }
    return { compactions, batches: counter, followers: reports };
  } finally {
    for (const child of children) child.process.kill("SIGKILL");
    await Promise.all(children.map(({ ended }) => ended));
  }
}

interface Child {
  readonly process: ChildProcess;
  readonly ended: Promise<unknown>;
  stdout: string;
  stderr: string;
}

function startWriter(path: string, { format }: FollowerCampaign, random: () => number): Child {
  return start(
    "counting-writer.child.js",
    path,
    String(integerBelow(random, 2 ** 31)),
    String(format),
  );
}

function start(script: string, ...args: string[]): Child {
  const process_ = spawn(process.execPath, [join(SUPPORT, script), ...args], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  const child: Child = {
    process: process_,
    ended: once(process_, "close"),
    stdout: "",
    stderr: "",
  };
  process_.stdout.on("data", (chunk: Buffer) => (child.stdout += chunk.toString()));
  process_.stderr.on("data", (chunk: Buffer) => (child.stderr += chunk.toString()));
  return child;
}

function requireRunning(children: readonly Child[], { seed }: FollowerCampaign): true {
  for (const { process: child, stderr } of children) {
    assert.equal(child.exitCode, null, `seed ${seed}: one has ended: ${stderr}`);
  }
  return true;
}

function compactionsOf({ stdout }: Child): number {
  return stdout.split("compacted\n").length - 1;
}

function reportOf({ stdout, stderr }: Child): {
  readonly counter: number;
  readonly digest: string;
} {
  const line = stdout.trimEnd().split("\n").at(-1) ?? "";
  assert.ok(line.startsWith("{"), `no report: ${stdout}${stderr}`);
  return JSON.parse(line) as { counter: number; digest: string };
}
