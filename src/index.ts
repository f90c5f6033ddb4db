export * from "./errors/index.js";
export * from "./kv/index.js";
export * from "./values/index.js";
