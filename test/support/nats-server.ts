import { execFile, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { until } from "./until.js";

/** The versions that every test of server behaviour runs on: the oldest and the newest that Millpond is tested with. */
export const serverVersions = ["2.10.27", "2.15.1"] as const;
export type ServerVersion = (typeof serverVersions)[number];

export interface NatsServerOptions {
  readonly version: ServerVersion;
  /** JetStream's folder, kept after the server. Default: one of its own, removed with it. */
  readonly storeDir?: string;
  /** Default: a free one, chosen by the server. */
  readonly port?: number;
  /** Lines added to the server's configuration file, in its own language. */
  readonly config?: string;
  /** Default true. */
  readonly jetStream?: boolean;
}

/** A real server, up and listening on 127.0.0.1. Dies with the test process, however that ends. */
export interface NatsServer extends AsyncDisposable {
  readonly version: ServerVersion;
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly isRunning: boolean;
  /** Sends the signal (default SIGKILL) and waits until the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Shuts down in good order. */
  stop(): Promise<void>;
  /** Has the running server read these lines in place of its `config`. Not waited for. */
  reconfigure(config: string): Promise<void>;
  /** Stops it if it runs, and starts it again on the same store and, unless told otherwise, the same port. */
  restart(options?: { readonly samePort?: boolean }): Promise<void>;
}

export async function startNatsServer(options: NatsServerOptions): Promise<NatsServer> {
  const binary = await binaryOf(options.version);
  const folder = await mkdtemp(join(tmpdir(), "millpond-nats-"));
  const server = new RunningServer(binary, folder, options);
  try {
    await server.launch(options.port ?? -1);
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

class RunningServer implements NatsServer {
  readonly version: ServerVersion;
  readonly #binary: string;
  readonly #folder: string;
  readonly #options: NatsServerOptions;
  #process: ChildProcess | undefined;
  #guard: ChildProcess | undefined;
  #port = 0;
  #config: string;

  constructor(binary: string, folder: string, options: NatsServerOptions) {
    this.version = options.version;
    this.#binary = binary;
    this.#folder = folder;
    this.#options = options;
    this.#config = options.config ?? "";
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error("the server is not running");
    return pid;
  }

  get isRunning(): boolean {
    const child = this.#process;
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  async launch(port: number): Promise<void> {
    const file = await this.#writeConfiguration(port);
    const child = spawn(this.#binary, ["-c", file], { stdio: ["ignore", "ignore", "pipe"] });
    this.#process = child;
    let log = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log = (log + text).slice(-4096);
    });
    const [event] = await Promise.race([
      once(child, "spawn").then(() => ["spawn"]),
      once(child, "error").then(([error]) => [String(error)]),
    ]);
    if (event !== "spawn") throw new Error(`cannot start ${this.#binary}: ${event}`);
    this.#guard = this.#startGuard(this.pid);
    this.#port = await until("the server listens", async () => {
      if (child.exitCode !== null) throw new Error(`nats-server ended at once:\n${log}`);
      return this.#listeningPort();
    });
  }

  async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    this.#endGuard();
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  async stop(): Promise<void> {
    await this.kill("SIGTERM");
  }

  async reconfigure(config: string): Promise<void> {
    this.#config = config;
    await this.#writeConfiguration(this.#port);
    process.kill(this.pid, "SIGHUP");
  }

  async restart({ samePort = true }: { readonly samePort?: boolean } = {}): Promise<void> {
    await this.stop();
    await this.launch(samePort ? this.#port : -1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  async #writeConfiguration(port: number): Promise<string> {
    const file = join(this.#folder, "nats-server.conf");
    await writeFile(file, this.#configuration(port));
    return file;
  }

  #configuration(port: number): string {
    const store = this.#options.storeDir ?? join(this.#folder, "store");
    return [
      `listen: "127.0.0.1:${port}"`,
      `ports_file_dir: ${JSON.stringify(this.#folder)}`,
      ...(this.#options.jetStream === false
        ? []
        : [`jetstream { store_dir: ${JSON.stringify(store)} }`]),
      this.#config,
    ].join("\n");
  }

  /** The server writes a file named after its pid once it listens. */
  async #listeningPort(): Promise<number | undefined> {
    const suffix = `_${this.pid}.ports`;
    const name = (await readdir(this.#folder)).find((found) => found.endsWith(suffix));
    if (name === undefined) return undefined;
    const text = await readFile(join(this.#folder, name), "utf8");
    const port = /"nats":\s*\[\s*"\w+:\/\/[^"]*:(\d+)"/.exec(text)?.[1];
    return port === undefined ? undefined : Number(port);
  }

  /** A shell that waits for the end of our pipe, which comes even when this process is killed outright. */
  #startGuard(pid: number): ChildProcess {
    const script = 'cat >/dev/null; kill -9 "$1" 2>/dev/null; rm -rf -- "$2"';
    const guard = spawn("/bin/sh", ["-c", script, "guard", String(pid), this.#folder], {
      stdio: ["pipe", "ignore", "ignore"],
      detached: true,
    });
    guard.unref();
    (guard.stdin as unknown as { unref?(): void } | null)?.unref?.();
    return guard;
  }

  #endGuard(): void {
    const pid = this.#guard?.pid;
    this.#guard = undefined;
    // The whole group: the shell and what it waits with.
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  }
}

const binaries = new Map<ServerVersion, Promise<string>>();

/** The script knows where servers come from; where it has fetched them before, it answers at once. */
function binaryOf(version: ServerVersion): Promise<string> {
  const known = binaries.get(version) ?? fetchBinary(version);
  binaries.set(version, known);
  return known;
}

async function fetchBinary(version: ServerVersion): Promise<string> {
  const script = new URL("../../../scripts/fetch-nats-servers.mjs", import.meta.url);
  const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(script), version]);
  return stdout.trim();
}
