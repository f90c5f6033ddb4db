export { checkLimits } from "./limits.js";
export type { StartOverReason, WatchEvent } from "./events.js";
export type {
  BatchOptions,
  BucketFacts,
  BucketIdentity,
  CursorOrigin,
  HeldOptions,
  RetryOptions,
  WatchAppliedOptions,
} from "./options.js";
export { watchApplied } from "./watch-applied.js";
