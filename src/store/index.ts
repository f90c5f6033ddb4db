export { AppendLogSnapshot, type AppendLogSnapshotOptions } from "./append-log-snapshot.js";
export type { SnapshotStore } from "./snapshot-store.js";
