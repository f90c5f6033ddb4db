export { checkLimits } from "./limits.js";
export type { AuditReport, KeyDifference, StartOverReason, WatchEvent } from "./events.js";
export type {
  BatchOptions,
  BucketFacts,
  BucketIdentity,
  CursorOrigin,
  HeldOptions,
  RetryOptions,
  WatchAppliedOptions,
  WatchAuditor,
} from "./options.js";
export type { RunningWatch, SeenEntry } from "./running-watch.js";
export { startWatch } from "./start-watch.js";
export { watchApplied } from "./watch-applied.js";
