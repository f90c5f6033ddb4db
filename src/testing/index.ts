export {
  InProcessBucket,
  InProcessConnection,
  openInProcess,
  type BucketBackup,
  type InProcessOptions,
} from "../in-process/index.js";
export { ManualClock } from "./manual-clock.js";
export { describeBucket } from "./bucket-conformance.js";
export type { BucketFixture, BucketHarness, BucketOperator } from "./bucket/harness.js";
export { describeSnapshotStore } from "./store-conformance.js";
export type { SnapshotStoreHarness } from "./store/support.js";
