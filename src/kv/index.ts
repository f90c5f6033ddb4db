export type {
  BucketConfig,
  BucketInfo,
  BucketLimits,
  Connection,
  ConnectionCapabilities,
  KvAuditor,
  KvReader,
  KvRecord,
  KvRecordHead,
  KvStore,
  KvWriter,
  PutOptions,
} from "./bucket.js";
export { allKeys, inScope, prefixesOf, scopeOf, type WatchScope } from "./scope.js";
export type { KvWatch, KvWatcher, WatchBatch, WatchOptions } from "./watch.js";
