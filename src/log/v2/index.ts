export { v2Codec } from "./codec.js";
