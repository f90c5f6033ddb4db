import { MillpondError } from "../errors/index.js";
import type { BucketConfig, BucketLimits } from "../kv/index.js";
import type { StreamConfig } from "./api-types.js";
import { streamOf, subjectPrefixOf } from "./subjects.js";

const DEFAULT_MAX_BYTES = 10 * 1024 * 1024;
const MAX_HISTORY = 64;
const MAX_REPLICAS = 5;
const MIN_MARKER_TTL_MS = 1000;
const DUPLICATE_WINDOW_MS = 120_000;

/** Throws `invalid-argument` for what cannot be a bucket's name: NATS takes A-Z a-z 0-9 - and _. */
export function checkBucketName(name: string): void {
  if (/^[-\w]+$/.test(name)) return;
  throw new MillpondError("invalid-argument", `not a legal bucket name: ${JSON.stringify(name)}`, {
    hint: "A bucket's name is one or more of A-Z a-z 0-9 - and _.",
  });
}

/**
 * The stream of a bucket, as the NATS clients and the `nats` tool lay it out, so that they can use it too. Throws
 * `invalid-argument` for what is out of range.
 */
export function streamConfigOf(bucket: string, config: BucketConfig): StreamConfig {
  const { maxAgeMs, markerTtlMs } = config;
  return {
    name: streamOf(bucket),
    subjects: [`${subjectPrefixOf(bucket)}>`],
    retention: "limits",
    storage: config.storage ?? "file",
    discard: config.discard ?? "new",
    num_replicas: whole("replicas", config.replicas ?? 1, 1, MAX_REPLICAS),
    max_msgs_per_subject: whole("history", config.history ?? 1, 1, MAX_HISTORY),
    max_bytes: whole("maxBytes", config.maxBytes ?? DEFAULT_MAX_BYTES, 1),
    max_age: maxAgeMs === undefined ? 0 : nanosOf(whole("maxAgeMs", maxAgeMs, 1)),
    // The server refuses a window of duplicates that is longer than the age.
    duplicate_window: nanosOf(Math.min(DUPLICATE_WINDOW_MS, maxAgeMs ?? DUPLICATE_WINDOW_MS)),
    max_msgs: -1,
    max_consumers: -1,
    max_msg_size: -1,
    deny_delete: true,
    deny_purge: false,
    allow_rollup_hdrs: true,
    allow_direct: true,
    ...(markerTtlMs === undefined
      ? {}
      : {
          allow_msg_ttl: true,
          subject_delete_marker_ttl: nanosOf(whole("markerTtlMs", markerTtlMs, MIN_MARKER_TTL_MS)),
        }),
  };
}

/** Whether the stream's own limits can drop the last record of a key. */
export function evicts(config: StreamConfig): boolean {
  if ((config.max_age ?? 0) > 0 || config.allow_msg_ttl === true) return true;
  const limited = (config.max_bytes ?? -1) > 0 || (config.max_msgs ?? -1) > 0;
  return config.discard !== "new" && limited;
}

export function limitsOf(config: StreamConfig): BucketLimits {
  const { max_age: maxAge = 0, subject_delete_marker_ttl: markerTtl = 0 } = config;
  return {
    maxAgeMs: maxAge > 0 ? msOf(maxAge) : undefined,
    markerTtlMs: markerTtl > 0 ? msOf(markerTtl) : undefined,
    allowsTtl: config.allow_msg_ttl === true,
    discardsOld: config.discard !== "new",
  };
}

function msOf(nanos: number): number {
  return nanos / 1_000_000;
}

export function nanosOf(ms: number): number {
  return ms * 1_000_000;
}

function whole(name: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const range = most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `${least} to ${most}`;
  throw new MillpondError(
    "invalid-argument",
    `${name} is a whole number, ${range}, and not ${value}`,
  );
}
