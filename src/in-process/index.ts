export { InProcessBucket, type BucketBackup } from "./bucket.js";
export { InProcessConnection } from "./connection.js";
export { openInProcess, type InProcessOptions } from "./open.js";
export { fillBucket, simulateAbsence, startTraffic } from "./traffic.js";
