import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Command, ReaderOrder, WriterOrder } from "./protocol.js";

const ANSWER_MS = 120_000;

/** A process that helps to measure. */
export class Helper implements Disposable {
  readonly #child: ChildProcess;
  readonly #name: string;

  constructor(name: "writer" | "reader", order: WriterOrder | ReaderOrder) {
    const path = fileURLToPath(new URL(`${name}.js`, import.meta.url));
    this.#name = name;
    // Its standard output must not get into this process's, which is what was measured.
    this.#child = fork(path, [JSON.stringify(order)], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
  }

  /** Resolves when the process is ready. To be called at once. */
  async ready(): Promise<void> {
    await this.#answer();
  }

  tell(command: Command): void {
    this.#child.send(command);
  }

  /** Throws where it ends first, or takes too long. */
  async ask<T>(command: Command): Promise<T> {
    const answered = this.#answer();
    this.tell(command);
    return (await answered) as T;
  }

  [Symbol.dispose](): void {
    this.#child.kill("SIGKILL");
  }

  async #answer(): Promise<unknown> {
    const child = this.#child;
    return await new Promise((resolve, reject) => {
      const give = (settle: () => void): void => {
        clearTimeout(timer);
        child.off("message", onMessage).off("exit", onExit);
        settle();
      };
      const onMessage = (message: unknown): void => give(() => resolve(message));
      const fail = (what: string): void =>
        give(() => reject(new Error(`the ${this.#name} ${what}`)));
      const onExit = (): void => fail("ended");
      const timer = setTimeout(() => fail("does not answer"), ANSWER_MS);
      child.on("message", onMessage).on("exit", onExit);
    });
  }
}
