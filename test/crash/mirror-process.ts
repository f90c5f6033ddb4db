import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { MirrorMessage, Said } from "./orders.js";
import { Violation } from "./violation.js";

const CHILD = fileURLToPath(new URL("mirror.child.js", import.meta.url));

/** A process of mirrors, which waits for its order from its start on. Killed when it is disposed of. */
export class MirrorProcess implements AsyncDisposable {
  readonly said: Said[] = [];
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #stderr = "";
  #onSaid: () => void = () => undefined;

  constructor() {
    this.#child = spawn(process.execPath, [CHILD], { stdio: ["ignore", "pipe", "pipe", "ipc"] });
    this.#closed = once(this.#child, "close").finally(() => this.#onSaid());
    this.#child.stderr?.on("data", (text: Buffer) => (this.#stderr += text.toString()));
    // A message to one that has just killed itself: it is seen to be gone.
    this.#child.on("error", () => {});
    if (this.#child.stdout === null) throw new Error("it was spawned with a pipe");
    createInterface({ input: this.#child.stdout }).on("line", (line) => {
      // The last one may have been cut short by a kill.
      if (line.endsWith("}")) this.said.push(JSON.parse(line) as Said);
      this.#onSaid();
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  tell(message: MirrorMessage): void {
    this.#child.send(message);
  }

  /** Resolves with whether it has said that of all of its copies before its end. Throws {@link Violation} where neither comes in time. */
  async heard(what: Said["said"], copies: number, deadlineMs: number): Promise<boolean> {
    const isSaid = (): boolean =>
      new Set(this.said.filter(({ said }) => said === what).map(({ copy }) => copy)).size >= copies;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(this.#stuck(what, deadlineMs)), deadlineMs);
    });
    late.catch(() => undefined);
    try {
      while (!isSaid() && this.isRunning) {
        const news = new Promise<void>((resolve) => (this.#onSaid = resolve));
        await Promise.race([news, late]);
      }
    } finally {
      clearTimeout(timer);
    }
    return isSaid();
  }

  /** Resolves once it has said such a thing of one of its copies, or is gone, or after so long. */
  async heardOf(isIt: (said: Said) => boolean, atMostMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), atMostMs);
    });
    while (!this.said.some(isIt) && this.isRunning) {
      const news = new Promise<void>((resolve) => (this.#onSaid = resolve));
      if ((await Promise.race([news, late])) === "late") break;
    }
    clearTimeout(timer);
  }

  /** Kills it unless it has killed itself. Resolves once it is gone and all that it said is here; throws where it ended otherwise. */
  async kill(): Promise<void> {
    if (this.isRunning) this.#child.kill("SIGKILL");
    await this.#closed;
    if (this.#child.signalCode === "SIGKILL") return;
    throw new Violation("wrong", `the mirror ended by itself: ${this.#stderr}`);
  }

  /** Resolves with whether it is gone by then. */
  async goneWithin(deadlineMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, deadlineMs)));
    await Promise.race([this.#closed, late]);
    clearTimeout(timer);
    return !this.isRunning;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.isRunning) this.#child.kill("SIGKILL");
    await this.#closed;
  }

  #stuck(what: string, deadlineMs: number): Violation {
    const last = JSON.stringify(this.said.slice(-5));
    return new Violation("stuck", `not ${what} within ${deadlineMs} ms: ${last}${this.#stderr}`);
  }
}
