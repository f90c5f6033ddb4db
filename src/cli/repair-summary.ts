import type { LogRepair } from "../log/index.js";
import { revisionOf } from "./copy.js";
import { count } from "./progress.js";

/** What was done about a damaged log, as JSON. Fields that do not apply are left out. */
export function repairFields({ cursor, setAside, ...repair }: LogRepair): object {
  return { ...repair, cursor: cursor.toHex(), ...(setAside === undefined ? {} : { setAside }) };
}

/** The same as a sentence. */
export function sentenceOfRepair(repair: LogRepair): string {
  const { offset, keptBytes, keptRecords, lostBytes, cursor, setAside } = repair;
  const kept = `${count(keptRecords)} records (${count(keptBytes)} bytes) are good, up to cursor ${revisionOf(cursor) ?? "none"}`;
  const rest = `${count(lostBytes)} bytes from byte ${count(offset)} on are not`;
  return `${kept}; ${rest}${setAside === undefined ? "" : `, the damaged file is now ${setAside}`}`;
}
