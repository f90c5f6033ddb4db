export { isBehindFlow, judgeKey, type KeyVerdict } from "./audit.js";
export { backoffDelay, type BackoffLimits } from "./backoff.js";
export { bucketAccountsFor } from "./copy-backing.js";
export { auditIsDue, countGap, countVerdict, type CountVerdict, type KnownCount } from "./count.js";
export { hasReached, isOlder, laterCursor } from "./cursor-order.js";
export {
  dropsUnseen,
  type Evictions,
  forgets,
  outlives,
  removalBelowFloor,
  retains,
} from "./evictions.js";
export { type AgeLimits, type Dated, expiresAtMs, growOld } from "./expiry.js";
export { compareKeys } from "./key-order.js";
export { markersOutlast } from "./markers.js";
export { type CopyIdentity, mayResume } from "./may-resume.js";
export { retryPace } from "./retry-pace.js";
export { isRolledBack } from "./rolled-back.js";
export { sameRecord } from "./same-record.js";
export { isSetupMistake } from "./start-failure.js";
export { isBeyondRetry } from "./store-failure.js";
export { gapIsHarmless, resumeIsSound } from "./stream-window.js";
