export type {
  Follower,
  FollowerEvent,
  FollowerOptions,
  FollowerState,
  FollowerStatus,
} from "./follower.js";
export { openFollower } from "./open-follower.js";
export { openReplica } from "./open-replica.js";
export type { ReadyReport, ReplicaEvent, ReplicaOptions } from "./options.js";
export type { ChangeBatch, ChangesOptions, ReplicaChange } from "./changes.js";
export type { ExpiryMode } from "./expiry.js";
export type {
  Replica,
  ReplicaEntry,
  ReplicaStatus,
  ReplicaStoreHealth,
  StalenessOptions,
} from "./replica.js";
export type { ReplicaCounters } from "./tally.js";
export type { ReplicaState } from "./states.js";
export { identityOf as originOf } from "./identity-text.js";
export { LOG_NAME, OriginFile } from "./origin-file.js";
