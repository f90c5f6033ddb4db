export { checkLimits } from "./limits.js";
export type { StartOverReason, WatchEvent } from "./events.js";
export type {
  BatchOptions,
  BucketIdentity,
  CursorOrigin,
  HeldOptions,
  RetryOptions,
  WatchAppliedOptions,
} from "./options.js";
export { watchApplied } from "./watch-applied.js";
