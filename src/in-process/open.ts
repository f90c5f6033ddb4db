import { systemClock, type Clock } from "../platform/clock.js";
import { InProcessConnection } from "./connection.js";
import { BucketServer } from "./server.js";

export interface InProcessOptions {
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

/** Buckets in this process that behave as a NATS server's do (2.11 and later): for tests, and for a first look. */
export async function openInProcess(options: InProcessOptions = {}): Promise<InProcessConnection> {
  const server = new BucketServer({
    clock: options.clock ?? systemClock,
    maxBuckets: options.maxBuckets ?? DEFAULT_MAX_BUCKETS,
    maxValueBytes: options.maxValueBytes ?? DEFAULT_MAX_VALUE_BYTES,
    ttl: options.ttl ?? true,
  });
  return new InProcessConnection(server);
}
