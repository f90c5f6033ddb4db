export { TTL_NEVER_MS } from "./entry.js";
export type { KvEntry, KvPut, KvRemoval, KvUpdate, RemovalReason } from "./entry.js";
export { checkKey, checkPrefix, checkReadableKey } from "./keys.js";
export type { LogPosition, PositionDetails } from "./log-position.js";
export type { OpaqueToken } from "./opaque-token.js";
export { VersionToken } from "./version-token.js";
export { WatchCursor } from "./watch-cursor.js";
