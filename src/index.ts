export * from "./errors/index.js";
export * from "./kv/index.js";
export {
  convert,
  inspectLog,
  load,
  readSnapshot,
  repairLog,
  SnapshotWriter,
  staleKeys,
  verify,
  type BrokenLog,
  type ConvertOptions,
  type ConvertResult,
  type DroppedParts,
  type Durability,
  type EmptyLog,
  type LogAppenderOptions,
  type LogFormat,
  type LogReport,
  type ReadOptions,
  type RepairOptions,
  type ReplayVisitor,
  type Snapshot,
  type SnapshotWriterOptions,
  type SoundLog,
} from "./log/index.js";
export type {
  Clock,
  FileHandle,
  FileLock,
  FileOwner,
  FileStat,
  FileSystem,
  OpenMode,
  Random,
} from "./platform/index.js";
export {
  openFollower,
  openReplica,
  type Follower,
  type FollowerEvent,
  type FollowerOptions,
  type FollowerState,
  type FollowerStatus,
  type ReadyReport,
  type Replica,
  type ReplicaEntry,
  type ReplicaEvent,
  type ReplicaOptions,
  type ReplicaState,
  type ReplicaStatus,
} from "./replica/index.js";
export {
  AppendLogSnapshot,
  type AppendLogSnapshotOptions,
  type HealingOptions,
  type LogRepair,
  type SnapshotStore,
} from "./store/index.js";
export * from "./values/index.js";
export { startWatch, watchApplied } from "./watch/index.js";
export type * from "./watch/index.js";
