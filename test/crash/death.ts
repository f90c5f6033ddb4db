import { writeSync } from "node:fs";
import type { DiskFault, Meddler } from "../support/meddling-file-system.js";
import type { Operation } from "../support/memory-file-system.js";
import type { DeathPlan, Line, Said } from "./orders.js";

export type Say = (line: Line) => void;

/** Says it of that copy, at once, past every buffer of the process. */
export function sayOf(copy: number): Say {
  return (line) => {
    const said: Said = { copy, ...line };
    writeSync(1, `${JSON.stringify(said)}\n`);
  };
}

/** Kills this process (SIGKILL) at one of its file operations. */
export class Death implements Meddler {
  readonly #plan: DeathPlan | undefined;
  readonly #say: Say;
  #left: number;
  #isCompacting = false;
  #isRenamed = false;
  #isDue = false;
  /** Whether it was told to close. */
  isClosing = false;

  constructor(plan: DeathPlan | undefined, say: Say) {
    this.#plan = plan;
    this.#say = say;
    this.#left = plan?.skip ?? Infinity;
  }

  pauseMs(): number {
    return 0;
  }

  before(operation: Operation): DiskFault | undefined {
    if (operation.name === "open" && isCompactFile(operation)) this.#isCompacting = true;
    if (this.#counts(operation)) {
      this.#isDue = this.#left === 0;
      this.#left -= 1;
      this.#strike("before", operation);
    }
    return undefined;
  }

  during(operation: Operation): void {
    this.#strike("during", operation);
  }

  after(operation: Operation): void {
    this.#strike("after", operation);
    // Of an operation that is not synchronous by nobody any more.
    if (operation.name.endsWith("Sync")) this.#strike("during", operation);
    if (operation.name === "rename" && isCompactFile(operation)) {
      this.#isRenamed = true;
      this.#say({ said: "compacted" });
    }
    if (operation.name !== "syncDirectory" || !this.#isRenamed) return;
    this.#isCompacting = false;
    this.#isRenamed = false;
  }

  #counts(operation: Operation): boolean {
    if (this.#isDue || this.#plan === undefined) return false;
    const { scene, name = operation.name } = this.#plan;
    if (name !== operation.name) return false;
    switch (scene) {
      case "any":
        return true;
      case "close":
        return this.isClosing;
      case "compaction":
        return this.#isCompacting && (this.#isRenamed || isCompactFile(operation));
    }
  }

  #strike(moment: DeathPlan["moment"], { name }: Operation): void {
    if (!this.#isDue || this.#plan?.moment !== moment) return;
    this.#say({ said: "dying", scene: this.#isCompacting ? "compaction" : "any", operation: name });
    process.kill(process.pid, "SIGKILL");
  }
}

function isCompactFile({ path }: Operation): boolean {
  return path.includes(".compact-");
}
