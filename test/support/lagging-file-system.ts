import { nextTurn, type FileHandle, type OpenMode, type Random } from "../../src/platform/index.js";
import { MemoryFileSystem } from "./memory-file-system.js";
import { integerBelow } from "./seed.js";

/**
 * A disk in memory whose slow operations take up to a few turns of the event loop, some before they have their effect and
 * some after it, so that other calls come in between.
 */
export class LaggingFileSystem extends MemoryFileSystem {
  readonly #random: Random;

  constructor(random: Random) {
    super();
    this.#random = random;
  }

  override async open(path: string, mode: OpenMode, permissions?: number): Promise<FileHandle> {
    const handle = await super.open(path, mode, permissions);
    return {
      ...handle,
      write: (source, position) => this.#slowly(() => handle.write(source, position)),
      read: (target, position) => this.#slowly(() => handle.read(target, position)),
      sync: () => this.#slowly(() => handle.sync()),
    };
  }

  override rename(from: string, to: string): Promise<void> {
    return this.#slowly(() => super.rename(from, to));
  }

  override syncDirectory(path: string): Promise<void> {
    return this.#slowly(() => super.syncDirectory(path));
  }

  async #slowly<T>(work: () => Promise<T>): Promise<T> {
    await this.#lag();
    const done = await work();
    await this.#lag();
    return done;
  }

  async #lag(): Promise<void> {
    for (let turns = integerBelow(this.#random, 3); turns > 0; turns -= 1) await nextTurn();
  }
}
