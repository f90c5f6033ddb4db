export {
  isNameTooLong,
  removeLeftovers,
  replaceWithCompact,
  TemporaryLog,
} from "./compact-file.js";
export { Compaction, type CompactLog, type Dump } from "./compaction.js";
export { writeDump, type CompactContent, type RecordSlice } from "./dump.js";
export { dumpOfPrefix } from "./prefix-dump.js";
export { tailCarrier, type CodedPlace } from "./tail-carrier.js";
