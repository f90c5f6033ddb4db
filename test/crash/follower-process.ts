import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { FollowerJudge } from "./follower-judge.js";
import type { FollowerMessage } from "./orders.js";
import { demand } from "./violation.js";

const CHILD = fileURLToPath(new URL("follower.child.js", import.meta.url));

/** A process that follows copies. Killed when it is disposed of. */
export class FollowerProcess implements AsyncDisposable {
  readonly judges: readonly FollowerJudge[];
  readonly #child: ChildProcess;
  readonly #closed: Promise<unknown>;
  #stderr = "";

  constructor(paths: readonly string[], pollMs: number, judges: readonly FollowerJudge[]) {
    this.judges = judges;
    this.#child = spawn(process.execPath, [CHILD, String(pollMs), ...paths], {
      stdio: ["ignore", "inherit", "pipe", "ipc"],
      serialization: "advanced",
    });
    this.#closed = once(this.#child, "close");
    this.#child.stderr?.on("data", (text: Buffer) => (this.#stderr += text.toString()));
    this.#child.on("message", (message: FollowerMessage) =>
      this.judges[message.copy]?.receive(message),
    );
  }

  /** Throws where it has ended. */
  check(): void {
    demand(this.#child.exitCode === null, "wrong", `a follower has ended: ${this.#stderr}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#closed;
  }
}
