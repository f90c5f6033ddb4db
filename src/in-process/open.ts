import { nodeFileSystem, systemClock, type Clock, type FileSystem } from "../platform/index.js";
import { InProcessConnection } from "./connection.js";
import { BucketFolder } from "./folder.js";
import { BucketServer } from "./server.js";

/** What {@link openInProcess} is given. */
export interface InProcessOptions {
  /**
   * Keeps each bucket in a file of its own in this folder, which is made where missing, so that it survives the process,
   * `kill -9` included (not a power loss). Default: buckets live as long as the connections to them.
   */
  readonly folder?: string;
  /** Default: the machine's. */
  readonly fileSystem?: FileSystem;
  /** Time, for ages and times to live. Default: the system's. */
  readonly clock?: Clock;
  /** Default 100. */
  readonly maxBuckets?: number;
  /** Largest value, in bytes. Default 1 MiB, which is a NATS server's own default. */
  readonly maxValueBytes?: number;
  /** Whether values can have a time to live; `false` is a NATS server before 2.11. Default true. */
  readonly ttl?: boolean;
}

const DEFAULT_MAX_BUCKETS = 100;
const DEFAULT_MAX_VALUE_BYTES = 1024 * 1024;

/**
 * Buckets in this process that behave as a NATS server's do (2.11 and later): for tests, and for a first look. With a folder
 * it throws `locked` where that is open already, and `corrupted` or `io` for files that cannot be read.
 */
export async function openInProcess(options: InProcessOptions = {}): Promise<InProcessConnection> {
  const { clock = systemClock, fileSystem = nodeFileSystem } = options;
  const folder =
    options.folder === undefined ? undefined : await BucketFolder.open(fileSystem, options.folder);
  const server = new BucketServer({
    clock,
    folder,
    maxBuckets: options.maxBuckets ?? DEFAULT_MAX_BUCKETS,
    maxValueBytes: options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES,
    ttl: options.ttl ?? true,
  });
  try {
    for (const kept of (await folder?.load(clock)) ?? []) server.host(kept);
  } catch (error) {
    await folder?.close();
    throw error;
  }
  return new InProcessConnection(server);
}
