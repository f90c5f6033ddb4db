export type { KvEntry, KvPut, KvRemoval, KvUpdate } from "./entry.js";
export { checkKey, checkPrefix } from "./keys.js";
export { VersionToken } from "./version-token.js";
export { WatchCursor } from "./watch-cursor.js";
