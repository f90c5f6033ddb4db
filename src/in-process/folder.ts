import { join } from "node:path";
import type { Clock, FileLock, FileSystem } from "../platform/index.js";
import { loadBucketFile, makeBucketFile, type BucketFile } from "./bucket-file.js";
import { BucketStream } from "./bucket-stream.js";
import { ioAt } from "./line-file.js";

const SUFFIX = ".bucket";

export interface KeptBucket {
  readonly stream: BucketStream;
  readonly file: BucketFile;
}

/** A folder with a file per bucket, held by one process at a time. */
export class BucketFolder {
  readonly #fileSystem: FileSystem;
  readonly #path: string;
  readonly #lock: FileLock;

  private constructor(fileSystem: FileSystem, path: string, lock: FileLock) {
    this.#fileSystem = fileSystem;
    this.#path = path;
    this.#lock = lock;
  }

  /** Makes the folder where it is missing. Throws `locked` when another process, or this one, has it open. */
  static async open(fileSystem: FileSystem, path: string): Promise<BucketFolder> {
    const real = await ioAt(path, "open", async () => {
      await fileSystem.makeDirectory(path);
      return fileSystem.realPath(path);
    });
    return new BucketFolder(fileSystem, real, await fileSystem.lock(join(real, "buckets")));
  }

  /** Every bucket that was made here and not deleted. */
  async load(clock: Clock): Promise<KeptBucket[]> {
    const names = await ioAt(this.#path, "list", () => this.#fileSystem.list(this.#path));
    for (const unfinished of names.filter((each) => each.endsWith(`${SUFFIX}.new`))) {
      await ioAt(unfinished, "remove", () => this.#fileSystem.remove(join(this.#path, unfinished)));
    }
    const kept: KeptBucket[] = [];
    try {
      for (const name of names.filter((each) => each.endsWith(SUFFIX)).toSorted()) {
        const path = join(this.#path, name);
        kept.push(
          await loadBucketFile(this.#fileSystem, path, (identity) => {
            return new BucketStream(identity, clock);
          }),
        );
      }
    } catch (error) {
      for (const { file } of kept) await file.close();
      throw error;
    }
    return kept;
  }

  /** Makes the file of a new bucket. */
  async keep(stream: BucketStream): Promise<KeptBucket> {
    const path = join(this.#path, `${stream.identity.name}${SUFFIX}`);
    return { stream, file: await makeBucketFile(this.#fileSystem, path, stream) };
  }

  /** Lets another process have the folder. */
  close(): Promise<void> {
    return this.#lock.release();
  }
}
