import type { KvStore } from "../kv/index.js";
import { type CopyIdentity, mayResume } from "../rules/index.js";
import type { BucketIdentity, CursorOrigin } from "../watch/index.js";
import type { OriginFile } from "./origin-file.js";

/** What the copy's position belongs to, as noted, against what the bucket says it is. */
export class ReplicaOrigin implements CursorOrigin {
  readonly #source: KvStore;
  readonly #scope: readonly string[];
  readonly #file: OriginFile;
  #stored: CopyIdentity | undefined;

  constructor(
    source: KvStore,
    scope: readonly string[],
    file: OriginFile,
    stored: CopyIdentity | undefined,
  ) {
    this.#source = source;
    this.#scope = scope;
    this.#file = file;
    this.#stored = stored;
  }

  async read(): Promise<BucketIdentity> {
    const { name, created } = await this.#source.info();
    return { bucket: name, created };
  }

  accepts(actual: BucketIdentity): boolean {
    return mayResume(this.#stored, { ...actual, scope: this.#scope }) === "yes";
  }

  async adopt(actual: BucketIdentity): Promise<void> {
    const identity = { bucket: actual.bucket, created: actual.created, scope: this.#scope };
    await this.#file.write(identity);
    this.#stored = identity;
  }
}
