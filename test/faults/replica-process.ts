import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { ReplicaState } from "../../src/replica/index.js";

/** What the process is told. */
export interface ReplicaSetup {
  readonly servers: readonly string[];
  readonly bucket: string;
  readonly path: string;
  readonly prefixes?: readonly string[];
  /** More options of the replica, as far as JSON can carry them. */
  readonly options: Readonly<Record<string, unknown>>;
}

export type CopiedEntry = readonly [key: string, revision: number, crc: number];

export interface SaidEvent {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly type: string;
  readonly state: ReplicaState | undefined;
  readonly error: string | undefined;
}

export interface SaidStatus {
  readonly state: ReplicaState;
  readonly cursor: number;
  readonly pending: number;
  readonly asOf: number | undefined;
  readonly repairs: number;
  readonly error: string | undefined;
}

interface Answers {
  readonly status: SaidStatus;
  readonly entries: readonly CopiedEntry[];
  /** Most memory it ever had, in MiB. */
  readonly memory: number;
  readonly close: undefined;
}
export type Ask = keyof Answers;

export type ChildMessage =
  | { readonly kind: "event"; readonly event: SaidEvent }
  | { readonly kind: "answer"; readonly id: number; readonly result: unknown }
  | { readonly kind: "answer"; readonly id: number; readonly error: string };

const CHILD = fileURLToPath(new URL("replica.child.js", import.meta.url));
const TROUBLE = new Set(["retrying", "repair-started", "store-failed"]);
const ANSWER_MS = 10_000;

/** A replica in a process of its own. Killed when it is disposed of. */
export class ReplicaProcess implements AsyncDisposable {
  /** All that it said, over all its lives. */
  readonly events: SaidEvent[] = [];
  readonly #setup: ReplicaSetup;
  readonly #waiting = new Map<number, (message: ChildMessage) => void>();
  #child: ChildProcess;
  #exit: Promise<unknown>;
  #stderr = "";
  #asked = 0;

  constructor(setup: ReplicaSetup) {
    this.#setup = setup;
    [this.#child, this.#exit] = this.#start();
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Throws where it does not answer in time (as while it is stopped), or has ended. */
  async ask<A extends Ask>(ask: A, patienceMs = ANSWER_MS): Promise<Answers[A]> {
    const id = (this.#asked += 1);
    const { promise, resolve, reject } = promised<ChildMessage>();
    const timer = setTimeout(
      () => reject(new Error(`the replica's process does not answer: ${this.#stderr}`)),
      patienceMs,
    );
    const died = this.#exit.then(() => reject(new Error(`it has ended: ${this.#stderr}`)));
    this.#waiting.set(id, resolve);
    try {
      this.#child.send({ id, ask });
      const message = await Promise.race([promise, died.then(() => promise)]);
      if (message.kind !== "answer" || "error" in message) throw new Error(JSON.stringify(message));
      return message.result as Answers[A];
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  /** The first news of trouble since then. */
  trouble(since: number): SaidEvent | undefined {
    return this.events.find(
      ({ at, type, state }) =>
        at >= since && (TROUBLE.has(type) || (state !== undefined && state !== "live")),
    );
  }

  /** Stops it as a debugger or a swapping machine does, or lets it go on. */
  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child.kill(signal);
  }

  /** Resolves once it is gone. */
  async kill(): Promise<void> {
    if (this.isRunning) this.#child.kill("SIGKILL");
    await this.#exit;
  }

  /** Starts it again on the same directory, after {@link ReplicaProcess.kill}. */
  restart(): void {
    [this.#child, this.#exit] = this.#start();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #start(): [ChildProcess, Promise<unknown>] {
    const child = spawn(process.execPath, [CHILD, JSON.stringify(this.#setup)], {
      stdio: ["ignore", "inherit", "pipe", "ipc"],
      serialization: "advanced",
    });
    child.stderr?.on("data", (text: Buffer) => (this.#stderr += text.toString()));
    child.on("message", (message: ChildMessage) => {
      if (message.kind === "event") this.events.push(message.event);
      else this.#waiting.get(message.id)?.(message);
    });
    // A message to one that is just ending: `ask` finds out by itself.
    child.on("error", () => {});
    return [child, once(child, "close")];
  }
}

function promised<T>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
} {
  let settle: { resolve: (value: T) => void; reject: (error: Error) => void } | undefined;
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }));
  if (settle === undefined) throw new Error("a promise runs its executor at once");
  return { promise, ...settle };
}
