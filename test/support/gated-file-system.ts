import type { FileHandle, OpenMode } from "../../src/platform/index.js";
import { Gate } from "./gate.js";
import { MemoryFileSystem, type Operation } from "./memory-file-system.js";

/** A disk in memory on which a step of a compaction can be held up while other calls go on. */
export class GatedFileSystem extends MemoryFileSystem {
  #gate = new Gate();
  #isHeld: (operation: Operation) => boolean = () => false;
  #reached: () => void = () => undefined;

  /** Holds up every such `open`, `write`, `sync`, `rename` and `syncDirectory`; resolves when one has come. */
  hold(isHeld: (operation: Operation) => boolean): Promise<void> {
    this.#isHeld = isHeld;
    this.#gate = new Gate();
    return new Promise((resolve) => {
      this.#reached = resolve;
    });
  }

  /** Lets those go that are held, and all that come. */
  release(): void {
    this.#isHeld = () => false;
    this.#gate.open();
  }

  override async open(path: string, mode: OpenMode, permissions?: number): Promise<FileHandle> {
    await this.#pass({ name: "open", path });
    const handle = await super.open(path, mode, permissions);
    return {
      ...handle,
      write: async (source, position) => {
        await this.#pass({ name: "write", path, bytes: source.length });
        await handle.write(source, position);
      },
      sync: async () => {
        await this.#pass({ name: "sync", path });
        await handle.sync();
      },
    };
  }

  override async rename(from: string, to: string): Promise<void> {
    await this.#pass({ name: "rename", path: from });
    await super.rename(from, to);
  }

  override async syncDirectory(path: string): Promise<void> {
    await this.#pass({ name: "syncDirectory", path });
    await super.syncDirectory(path);
  }

  async #pass(operation: Operation): Promise<void> {
    if (!this.#isHeld(operation)) return;
    this.#reached();
    await this.#gate.pass();
  }
}
