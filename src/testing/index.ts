export {
  InProcessBucket,
  InProcessConnection,
  openInProcess,
  type BucketBackup,
  type InProcessOptions,
} from "../in-process/index.js";
export { BadDayError } from "./bad-day/bad-day-error.js";
export {
  badDayFaults,
  type BadDayFault,
  type BadDayOptions,
  type BadDayProcess,
  type BadDayReport,
  type RunningConsumer,
  type StateDifference,
  type StateEntry,
} from "./bad-day/options.js";
export { simulateBadDay } from "./bad-day/simulate-bad-day.js";
export { describeBucket } from "./bucket-conformance.js";
export type { BucketFixture, BucketHarness, BucketOperator } from "./bucket/harness.js";
export { ManualClock } from "./manual-clock.js";
export type { DiskOperation } from "./simulation/disk-state.js";
export { MachineClock } from "./simulation/machine-clock.js";
export { integerBelow, randomFor, randomFrom } from "./simulation/random.js";
export { SimulatedDatabase, type DatabaseSession } from "./simulation/simulated-database.js";
export { SimulatedDisk, type ProcessDisk } from "./simulation/simulated-disk.js";
export { SimulatedLink } from "./simulation/simulated-link.js";
export { describeSnapshotStore } from "./store-conformance.js";
export type { SnapshotStoreHarness } from "./store/support.js";
