import { join } from "node:path";
import { IoError } from "../errors/index.js";
import type { FileSystem } from "../platform/index.js";
import type { CopyIdentity } from "../rules/index.js";
import { identityOf, textOf } from "./identity-text.js";

/** The log in a replica's directory. */
export const LOG_NAME = "copy.snap";
const ORIGIN_NAME = "replica.json";
/** Room for thousands of prefixes. A larger file is not ours. */
const MAX_BYTES = 1024 * 1024;

/**
 * `replica.json` beside the log: which bucket, which making of it and which prefixes the log's position belongs to, where the
 * store has no room for that: a log of format v2.
 */
export class OriginFile {
  readonly #fs: FileSystem;
  readonly #directory: string;

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs;
    this.#directory = directory;
  }

  /** `undefined` where there is none, or none that can be understood: then the position's origin is unknown. */
  async read(): Promise<CopyIdentity | undefined> {
    const path = join(this.#directory, ORIGIN_NAME);
    try {
      const stat = await this.#fs.stat(path);
      if (stat === undefined || stat.kind !== "file" || stat.size > MAX_BYTES) return undefined;
      const file = await this.#fs.open(path, "read");
      try {
        const bytes = new Uint8Array(stat.size);
        const length = await file.read(bytes, 0);
        return identityOf(new TextDecoder().decode(bytes.subarray(0, length)));
      } finally {
        await file.close();
      }
    } catch {
      return undefined;
    }
  }

  /** Notes the identity so that it survives a power loss: whole or not at all. Throws `io`. */
  async write(identity: CopyIdentity): Promise<void> {
    const path = join(this.#directory, ORIGIN_NAME);
    const temporary = `${path}.tmp`;
    try {
      const text = `${textOf(identity)}\n`;
      const file = await this.#fs.open(temporary, "create");
      try {
        file.truncateSync(0);
        file.writeSync(new TextEncoder().encode(text), 0);
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#fs.rename(temporary, path);
      await this.#fs.syncDirectory(this.#directory);
    } catch (error) {
      throw new IoError(path, "write", error);
    }
  }

  /** For good, also over a power loss. Throws `io`. */
  async remove(): Promise<void> {
    const path = join(this.#directory, ORIGIN_NAME);
    try {
      if ((await this.#fs.stat(path)) === undefined) return;
      await this.#fs.remove(path);
      await this.#fs.syncDirectory(this.#directory);
    } catch (error) {
      throw new IoError(path, "remove", error);
    }
  }
}
