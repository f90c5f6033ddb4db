import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { until } from "./until.js";

export const MAIN = fileURLToPath(new URL("../../src/cli/main.js", import.meta.url));

export interface CliResult {
  readonly status: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
  /** Standard output as JSON, a line each. */
  readonly records: readonly CliRecord[];
}

export type CliRecord = Readonly<Record<string, unknown>>;

/** Runs the command line to its end. */
export async function runCli(...argv: string[]): Promise<CliResult> {
  await using cli = startCli(...argv);
  return await cli.ended();
}

/** A command line that runs; killed when it is disposed of. */
export function startCli(...argv: string[]): RunningCli {
  return new RunningCli(
    spawn(process.execPath, [MAIN, ...argv], { stdio: ["ignore", "pipe", "pipe"] }),
  );
}

/** As {@link startCli}, with no file of the process able to grow beyond `kibibytes`: what a full disk is like. */
export function startCliWithSmallFiles(kibibytes: number, ...argv: string[]): RunningCli {
  const script = `trap '' XFSZ; ulimit -f ${kibibytes}; exec "$@"`;
  const command = ["-c", script, "bash", process.execPath, MAIN, ...argv];
  return new RunningCli(spawn("bash", command, { stdio: ["ignore", "pipe", "pipe"] }));
}

export class RunningCli implements AsyncDisposable {
  readonly child: ChildProcess;
  readonly #exit: Promise<unknown>;
  #stdout = Buffer.alloc(0);
  stderr = "";

  constructor(child: ChildProcess) {
    this.child = child;
    this.#exit = once(child, "close");
    child.stdout?.on(
      "data",
      (chunk: Buffer) => (this.#stdout = Buffer.concat([this.#stdout, chunk])),
    );
    child.stderr?.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
  }

  /** The whole lines of standard output so far, as JSON. */
  get records(): CliRecord[] {
    const lines = this.#stdout.toString().split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as CliRecord);
  }

  /** Resolves with the first event of that name; throws once the process has ended without it. */
  event(name: string): Promise<CliRecord> {
    return until(`event ${name}`, () => {
      const found = this.records.find(({ event }) => event === name);
      if (found === undefined && this.child.exitCode !== null) {
        throw new Error(
          `ended without the event ${name}: ${this.#stdout.toString()}${this.stderr}`,
        );
      }
      return found;
    });
  }

  async ended(): Promise<CliResult> {
    await this.#exit;
    const { stderr } = this;
    const json = this.#stdout.toString().startsWith("{");
    return {
      status: this.child.exitCode,
      stdout: this.#stdout,
      stderr,
      records: json ? this.records : [],
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill("SIGKILL");
    await this.#exit;
  }
}
