import { dirname, join } from "node:path";
import { IoError } from "../errors/index.js";
import type { FileSystem } from "../platform/index.js";
import type { CopyIdentity } from "../rules/index.js";
import { identityOf, textOf } from "./identity-text.js";
import { readSmallFile, removeSmallFile, replaceSmallFile } from "./small-file.js";

/** The log in a replica's directory. */
export const LOG_NAME = "copy.snap";
const ORIGIN_NAME = "replica.json";
/** Room for thousands of prefixes. A larger file is not ours. */
const MAX_BYTES = 1024 * 1024;
const UNREADABLE =
  "It says whose copy lies beside it. If it stays unreadable, remove it: the copy is then compared with its whole bucket.";

/**
 * `replica.json` beside the log: which bucket, which making of it and which prefixes the log's position belongs to, where the
 * store has no room for that: a log of format v2.
 */
export class OriginFile {
  readonly #fs: FileSystem;
  readonly #path: string;

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs;
    this.#path = join(directory, ORIGIN_NAME);
  }

  /**
   * `undefined` where there is none, or none that can be understood: then the position's origin is unknown. Throws `io` where the disk does not
   * say: the copy may be another bucket's, which is not to be replaced for a bad moment.
   */
  async read(): Promise<CopyIdentity | undefined> {
    try {
      const text = await readSmallFile(this.#fs, this.#path, MAX_BYTES);
      return text === undefined ? undefined : identityOf(text);
    } catch (error) {
      throw new IoError(this.#path, "read", error, UNREADABLE);
    }
  }

  /** Notes the identity so that it survives a power loss: whole or not at all. Throws `io`. */
  async write(identity: CopyIdentity): Promise<void> {
    await replaceSmallFile(this.#fs, this.#path, `${textOf(identity)}\n`, { synced: true });
    try {
      await this.#fs.syncDirectory(dirname(this.#path));
    } catch (error) {
      throw new IoError(this.#path, "write", error);
    }
  }

  /** For good, also over a power loss. Throws `io`. */
  remove(): Promise<void> {
    return removeSmallFile(this.#fs, this.#path);
  }
}
