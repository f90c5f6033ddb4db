import type { KvEntry } from "../values/index.js";
import type { ReplicaEntry } from "./replica.js";
import { withRevision, withRevisions } from "./with-revision.js";

/** A copy in memory, as it is read. */
export interface ReadableCopy {
  readonly size: number;
  get(key: string): KvEntry | undefined;
  range(prefix: string): Iterable<KvEntry>;
}

/** What a replica and a follower have in common for those who read them. */
export abstract class LocalReads {
  /** Throws once the copy is closed. */
  protected abstract readable(): ReadableCopy;

  abstract close(): Promise<void>;

  get size(): number {
    return this.readable().size;
  }

  get(key: string): Uint8Array | undefined {
    return this.readable().get(key)?.value;
  }

  entry(key: string): ReplicaEntry | undefined {
    const entry = this.readable().get(key);
    return entry && withRevision(entry);
  }

  entries(prefix = ""): Iterable<ReplicaEntry> {
    return withRevisions(this.readable().range(prefix));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
