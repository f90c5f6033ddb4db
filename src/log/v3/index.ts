export { parseRecords } from "./batch.js";
export { v3Codec } from "./codec.js";
export { LINEAGE_FRAME_BYTES } from "./format.js";
export { lineageFrame, lineageOf, type Lineage } from "./lineage.js";
export { V3Walker } from "./walker.js";
