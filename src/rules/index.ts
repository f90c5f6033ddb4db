export { backoffDelay, type BackoffLimits } from "./backoff.js";
export { bucketAccountsFor } from "./copy-backing.js";
export { laterCursor } from "./cursor-order.js";
export { compareKeys } from "./key-order.js";
export { type CopyIdentity, mayResume } from "./may-resume.js";
export { isSetupMistake } from "./start-failure.js";
export { isBeyondRetry } from "./store-failure.js";
export { gapIsHarmless, resumeIsSound } from "./stream-window.js";
export { vanishedKeys } from "./vanished-keys.js";
