export { v2Codec } from "./codec.js";
export { V2Walker } from "./walker.js";
