export type { KvEntry, KvPut, KvRemoval, KvUpdate } from "./entry.js";
export { checkKey, checkPrefix } from "./keys.js";
export type { LogPosition } from "./log-position.js";
export type { OpaqueToken } from "./opaque-token.js";
export { VersionToken } from "./version-token.js";
export { WatchCursor } from "./watch-cursor.js";
