export {
  checkByteCount,
  checkChoice,
  checkCursor,
  checkPath,
  checkUpdate,
} from "./check-record.js";
export { convert, type ConvertOptions, type ConvertResult, type DroppedParts } from "./convert.js";
export {
  inspectLog,
  verify,
  type BrokenLog,
  type EmptyLog,
  type LogReport,
  type SoundLog,
} from "./inspect.js";
export type { BatchEncoder, LogFormat } from "./codec.js";
export { io } from "./io-errors.js";
export { load, readSnapshot, staleKeys, type ReadOptions, type Snapshot } from "./load.js";
export { LogAppender, type Durability, type LogAppenderOptions } from "./log-appender.js";
export type { CompactContent, RecordSlice } from "./compact/index.js";
export { LogFollower, type FollowCounts, type FollowedCopy, type Look } from "./follow/index.js";
export type { HealingOptions, LogRepair } from "./repair/index.js";
export { repairLog, type RepairOptions } from "./repair/repair-log.js";
export type { ReplayVisitor } from "./replay.js";
export { settleInTurns } from "./settle-in-turns.js";
export { SnapshotWriter, type SnapshotWriterOptions } from "./snapshot-writer.js";
export { v3Codec } from "./v3/index.js";
export type { LogVisitor } from "./visitor.js";
