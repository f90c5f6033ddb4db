import { readFile, rename, writeFile } from "node:fs/promises";
import { MillpondError } from "../../src/errors/index.js";
import { nodeFileSystem, type FileLock } from "../../src/platform/index.js";
import type { SnapshotStore } from "../../src/store/index.js";
import { VersionToken, WatchCursor, type KvEntry, type KvUpdate } from "../../src/values/index.js";

interface Stored {
  cursor: string;
  /** Key, then value and version as hex. */
  entries: [string, string, string][];
}

/** The simplest store there can be: one JSON file, written anew for each batch. It shows that the suite asks no more. */
export class JsonStore implements SnapshotStore {
  readonly #path: string;
  readonly #lock: FileLock;
  #stored: Stored;
  #turn: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  private constructor(path: string, lock: FileLock, stored: Stored) {
    this.#path = path;
    this.#lock = lock;
    this.#stored = stored;
  }

  static async open(path: string): Promise<JsonStore> {
    const lock = await nodeFileSystem.lock(path);
    const text = await readFile(path, "utf8").catch(() => '{"cursor":"","entries":[]}');
    return new JsonStore(path, lock, JSON.parse(text) as Stored);
  }

  async apply(batch: readonly KvUpdate[], cursor: WatchCursor): Promise<void> {
    if (this.#closing !== undefined) throw new MillpondError("closed", "closed");
    const entries = batch.map(storedUpdate);
    await this.#inTurn(async () => {
      const byKey = new Map(this.#stored.entries.map((entry) => [entry[0], entry]));
      for (const [key, entry] of entries) {
        if (entry === undefined) byKey.delete(key);
        else byKey.set(key, entry);
      }
      const next: Stored = {
        cursor: cursor.toHex(),
        entries: [...byKey.values()].toSorted(([a], [b]) =>
          Buffer.compare(Buffer.from(a), Buffer.from(b)),
        ),
      };
      await writeFile(`${this.#path}.tmp`, JSON.stringify(next));
      await rename(`${this.#path}.tmp`, this.#path);
      this.#stored = next;
    });
  }

  get size(): number {
    return this.#stored.entries.length;
  }

  cursor(): WatchCursor {
    return WatchCursor.fromHex(this.#stored.cursor);
  }

  get(key: string): KvEntry | undefined {
    const found = this.#stored.entries.find(([known]) => known === key);
    return found === undefined ? undefined : entryOf(found);
  }

  range(prefix: string): KvEntry[] {
    return this.#stored.entries.filter(([key]) => key.startsWith(prefix)).map(entryOf);
  }

  forEachInRange(prefix: string, visit: (entry: KvEntry) => void): void {
    for (const entry of this.range(prefix)) visit(entry);
  }

  close(): Promise<void> {
    this.#closing ??= this.#inTurn(() => this.#lock.release());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

function storedUpdate(update: KvUpdate): [string, Stored["entries"][number] | undefined] {
  const { key, version } = update;
  if (update.kind !== "put") return [key, undefined];
  return [key, [key, Buffer.from(update.value).toString("hex"), version.toHex()]];
}

function entryOf([key, value, version]: Stored["entries"][number]): KvEntry {
  return {
    key,
    value: new Uint8Array(Buffer.from(value, "hex")),
    version: VersionToken.fromHex(version),
  };
}
