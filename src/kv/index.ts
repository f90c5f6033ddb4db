export type {
  BucketConfig,
  BucketInfo,
  Connection,
  ConnectionCapabilities,
  KvReader,
  KvRecord,
  KvStore,
  KvWriter,
  PutOptions,
} from "./bucket.js";
export { allKeys, inScope, prefixesOf, scopeOf, type WatchScope } from "./scope.js";
export type { KvWatch, KvWatcher, WatchBatch, WatchOptions } from "./watch.js";
