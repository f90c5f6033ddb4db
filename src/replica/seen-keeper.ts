import type { Clock } from "../platform/index.js";
import type { Seen, SeenFile } from "./seen.js";

const EVERY_MS = 10_000;

/** Keeps what was seen of the bucket on the disk, now and then. A disk that cannot take it costs nothing else. */
export class SeenKeeper {
  readonly #file: SeenFile;
  readonly #clock: Clock;
  readonly #describe: () => Seen | undefined;
  #writtenAt = -Infinity;
  #cancel: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();
  #hasEnded = false;

  /** `describe`: what is to be kept; `undefined` where there is nothing yet. */
  constructor(file: SeenFile, clock: Clock, describe: () => Seen | undefined) {
    this.#file = file;
    this.#clock = clock;
    this.#describe = describe;
  }

  /** There is something new: it is written within ten seconds. */
  touch(): void {
    if (this.#cancel !== undefined || this.#hasEnded) return;
    const waitMs = this.#writtenAt + EVERY_MS - this.#clock.now();
    this.#cancel = this.#clock.schedule(Math.min(EVERY_MS, Math.max(0, waitMs)), () => {
      this.#cancel = undefined;
      this.#write();
    });
  }

  /** Writes it a last time. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    this.#cancel?.();
    this.#write();
    await this.#writing;
  }

  #write(): void {
    const seen = this.#describe();
    if (seen === undefined) return;
    this.#writtenAt = this.#clock.now();
    this.#writing = this.#writing.then(() => this.#file.write(seen)).catch(() => undefined);
  }
}
