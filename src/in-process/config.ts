import { MillpondError } from "../errors/index.js";
import type { BucketConfig, BucketLimits } from "../kv/index.js";

/** A bucket's configuration with the defaults of {@link BucketConfig} filled in. Plain data: it is kept in the file. */
export interface ResolvedConfig {
  readonly history: number;
  readonly maxBytes: number;
  readonly discard: "new" | "old";
  readonly maxAgeMs?: number;
  readonly markerTtlMs?: number;
}

const DEFAULT_MAX_BYTES = 10 * 1024 * 1024;
const MAX_HISTORY = 64;
const MAX_REPLICAS = 5;
const MIN_MARKER_TTL_MS = 1000;

/** Throws `invalid-argument` for what a NATS server would refuse. */
export function resolveConfig(config: BucketConfig): ResolvedConfig {
  const { history = 1, maxBytes = DEFAULT_MAX_BYTES, discard = "new" } = config;
  const { maxAgeMs, markerTtlMs } = config;
  requireWhole("history", history, 1, MAX_HISTORY);
  requireWhole("maxBytes", maxBytes, 1);
  requireWhole("replicas", config.replicas ?? 1, 1, MAX_REPLICAS);
  if (maxAgeMs !== undefined) requireWhole("maxAgeMs", maxAgeMs, 1);
  if (markerTtlMs !== undefined) requireWhole("markerTtlMs", markerTtlMs, MIN_MARKER_TTL_MS);
  return {
    history,
    maxBytes,
    discard,
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    ...(markerTtlMs === undefined ? {} : { markerTtlMs }),
  };
}

/** As a server from 2.11 on keeps them: a marker is written wherever a time to live counts. */
export function limitsOf({ maxAgeMs, markerTtlMs, discard }: ResolvedConfig): BucketLimits {
  return {
    maxAgeMs,
    markerTtlMs,
    allowsTtl: markerTtlMs !== undefined,
    discardsOld: discard === "old",
  };
}

/** Throws `invalid-argument` for what cannot be a bucket's name: NATS takes A-Z a-z 0-9 - and _. */
export function checkBucketName(name: string): void {
  if (/^[-\w]+$/.test(name)) return;
  throw new MillpondError("invalid-argument", `not a legal bucket name: ${JSON.stringify(name)}`, {
    hint: "A bucket's name is one or more of A-Z a-z 0-9 - and _.",
  });
}

function requireWhole(
  name: string,
  value: number,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const range = most === Number.MAX_SAFE_INTEGER ? `at least ${least}` : `${least} to ${most}`;
  throw new MillpondError(
    "invalid-argument",
    `${name} is a whole number, ${range}, and not ${value}`,
  );
}
