import type { LogReport } from "../log/index.js";
import { count } from "./progress.js";

/** What a log holds, or what is wrong with it, as JSON. Fields that do not apply are left out. */
export function summaryOf(report: LogReport): object {
  if (report.result === "error") return report;
  const { result, format, records, frames, bytes, tornBytes } = report;
  if (report.result === "none") return { result, format, records, frames, bytes, tornBytes };
  const { cursor, cursorTimeNs, origin, entries } = report;
  return {
    result,
    format,
    cursor: cursor.toHex(),
    cursorTime: cursorTimeNs === undefined ? undefined : isoOfNs(cursorTimeNs),
    origin,
    entries,
    records,
    frames,
    bytes,
    tornBytes,
  };
}

/** ISO 8601 in UTC with nine decimals, as no number of JSON's holds ns since 1970. */
function isoOfNs(timeNs: bigint): string {
  const seconds = Number(timeNs / 1_000_000_000n);
  const decimals = String(timeNs % 1_000_000_000n).padStart(9, "0");
  return new Date(seconds * 1000).toISOString().replace(".000Z", `.${decimals}Z`);
}

/** The same as a sentence. */
export function sentenceOf(report: LogReport): string {
  switch (report.result) {
    case "none":
      return report.format === undefined ? "no such file" : "holds no entries and no cursor";
    case "error":
      return `${report.code}: ${report.message}`;
    case "ok": {
      const parts = [
        `format ${report.format}`,
        `cursor ${report.cursor.toU64() ?? (report.cursor.toHex() || "none")}`,
        ...(report.cursorTimeNs === undefined ? [] : [`of ${isoOfNs(report.cursorTimeNs)}`]),
        `${count(report.entries)} entries in ${count(report.records)} records`,
        `${count(report.bytes)} bytes`,
      ];
      if (report.origin !== undefined) parts.push(`origin ${report.origin}`);
      if (report.tornBytes > 0) parts.push(`${count(report.tornBytes)} of them a torn tail`);
      return parts.join(", ");
    }
  }
}
