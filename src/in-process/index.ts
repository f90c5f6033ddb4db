export { InProcessBucket } from "./bucket.js";
export { InProcessConnection } from "./connection.js";
export { openInProcess, type InProcessOptions } from "./open.js";
export { simulateAbsence, startTraffic, type Traffic, type TrafficOptions } from "./traffic.js";
