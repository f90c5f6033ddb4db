import type { Part } from "../harness/part.js";
import { append } from "./append.js";
import { compaction } from "./compaction.js";
import { follower } from "./follower.js";
import { get } from "./get.js";
import { growth } from "./growth.js";
import { hydration } from "./hydration.js";
import { load } from "./load.js";
import { memory } from "./memory.js";
import { range } from "./range.js";

/** In the order in which they run and are shown. */
export const parts: readonly Part[] = [
  append,
  load,
  memory,
  growth,
  get,
  range,
  compaction,
  follower,
  hydration,
];
