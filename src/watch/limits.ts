import { MillpondError } from "../errors/index.js";
import type { BackoffLimits } from "../rules/index.js";
import type { WatchAppliedOptions } from "./options.js";

/** The options' numbers, checked and complete. */
export interface WatchLimits {
  readonly windowMs: number;
  readonly maxParsed: number;
  readonly maxRaw: number;
  readonly queueCapacity: number;
  readonly maxQueuedBytes: number;
  readonly retry: BackoffLimits;
  readonly maxHeldUpdates: number;
  readonly maxHeldBytes: number;
  readonly maxStoreFailures: number;
  readonly countIntervalMs: number;
  readonly auditIntervalMs: number;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const HELD_BYTES = 64 * 1024 * 1024;
const QUEUED_BYTES = 16 * 1024 * 1024;

type Limited = Pick<
  WatchAppliedOptions<unknown>,
  "batch" | "retry" | "held" | "maxStoreFailures" | "countIntervalMs" | "auditIntervalMs"
>;

/** Throws `invalid-argument`, naming the option, for a number outside its bounds. */
export function limitsOf(options: Limited): WatchLimits {
  const { batch, retry, held, maxStoreFailures = 16 } = options;
  const { countIntervalMs = MINUTE_MS, auditIntervalMs = DAY_MS } = options;
  const maxParsed = whole("batch.maxUpdates", batch?.maxUpdates ?? 100, 1, 100_000);
  const queueCapacity = whole("batch.queueCapacity", batch?.queueCapacity ?? 256, 1, 1_000_000);
  const minMs = whole("retry.minMs", retry?.minMs ?? 100, 1, HOUR_MS);
  return {
    windowMs: whole("batch.windowMs", batch?.windowMs ?? 10, 0, MINUTE_MS),
    maxParsed,
    maxRaw: Math.max(maxParsed, queueCapacity),
    queueCapacity,
    maxQueuedBytes: whole(
      "batch.maxBytes",
      batch?.maxBytes ?? QUEUED_BYTES,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    countIntervalMs: whole("countIntervalMs", countIntervalMs, 1000, DAY_MS),
    auditIntervalMs:
      auditIntervalMs === Infinity
        ? Infinity
        : whole("auditIntervalMs", auditIntervalMs, 1000, 366 * DAY_MS),
    retry: {
      minMs,
      maxMs: whole("retry.maxMs", retry?.maxMs ?? Math.max(5000, minMs), minMs, HOUR_MS),
    },
    maxHeldUpdates: whole(
      "held.maxUpdates",
      held?.maxUpdates ?? 10_000,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
    maxHeldBytes: whole("held.maxBytes", held?.maxBytes ?? HELD_BYTES, 1, Number.MAX_SAFE_INTEGER),
    maxStoreFailures:
      maxStoreFailures === Infinity
        ? Infinity
        : whole("maxStoreFailures", maxStoreFailures, 1, Number.MAX_SAFE_INTEGER),
  };
}

/** For a caller that opens something else before it watches. Throws as `watchApplied` would. */
export function checkLimits(options: Limited): void {
  limitsOf(options);
}

function whole(name: string, value: number, least: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw new MillpondError(
    "invalid-argument",
    `${name} must be a whole number from ${least} to ${most}, not ${value}`,
  );
}
