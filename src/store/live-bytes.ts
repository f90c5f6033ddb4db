import type { Arena } from "../kernel/index.js";
import type { LogFormat } from "../log/index.js";

/** What format 2 needs for a record more than format 3. */
const V2_EXTRA_BYTES = 4;
/** Header, lineage, the heads of the frames and one position: enough for a small log, nothing for a large one. */
const AROUND_BYTES = 128;

/** What a log that is compact would take, in bytes. */
export function liveBytesOf(
  { recordBytes, size }: Pick<Arena, "recordBytes" | "size">,
  format: LogFormat,
): number {
  return AROUND_BYTES + recordBytes + (format === 2 ? size * V2_EXTRA_BYTES : 0);
}
