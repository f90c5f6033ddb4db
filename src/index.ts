export * from "./errors/index.js";
export * from "./kv/index.js";
export * from "./replica/index.js";
export * from "./values/index.js";
export { watchApplied } from "./watch/index.js";
export type * from "./watch/index.js";
