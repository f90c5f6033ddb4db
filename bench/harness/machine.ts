import { spawnSync } from "node:child_process";
import { cpus, loadavg, release, totalmem, type } from "node:os";

/** What a figure means nothing without. */
export interface Machine {
  /** UTC, ISO 8601, to the minute. */
  readonly date: string;
  /** Short hash; with `+` where files were changed since. */
  readonly commit: string;
  readonly node: string;
  readonly system: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  /** Mean number of processes that wanted to run in the minute before; above 0 others used the machine too. */
  readonly loadBefore: number;
  readonly keys: number;
  readonly runs: number;
  readonly seed: number;
}

export function describeMachine(run: {
  readonly keys: number;
  readonly runs: number;
  readonly seed: number;
}): Machine {
  const [cpu] = cpus();
  return {
    date: `${new Date().toISOString().slice(0, 16)}Z`,
    commit: commit(),
    node: process.versions.node,
    system: `${type()} ${release()}`,
    cpu: cpu?.model ?? "unknown processor",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    loadBefore: loadavg()[0] ?? 0,
    ...run,
  };
}

function commit(): string {
  const hash = git("rev-parse", "--short", "HEAD");
  if (hash === "") return "unknown";
  return git("status", "--porcelain") === "" ? hash : `${hash}+`;
}

function git(...args: readonly string[]): string {
  return spawnSync("git", args, { encoding: "utf8" }).stdout.trim();
}
