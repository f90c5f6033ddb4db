export { AppendLogSnapshot, type AppendLogSnapshotOptions } from "./append-log-snapshot.js";
export { FollowedLog } from "./followed-log.js";
export type { HealingOptions, LogRepair } from "../log/index.js";
export type { SnapshotStore } from "./snapshot-store.js";
