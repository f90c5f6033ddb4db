import type { LogReport } from "../log/index.js";
import { count } from "./progress.js";

/** What a log holds, or what is wrong with it, as JSON. Fields that do not apply are left out. */
export function summaryOf(report: LogReport): object {
  if (report.result === "error") return report;
  const { result, format, records, bytes, tornBytes } = report;
  if (report.result === "none") return { result, format, records, bytes, tornBytes };
  const { cursor, entries } = report;
  return { result, format, cursor: cursor.toHex(), entries, records, bytes, tornBytes };
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
        `${count(report.entries)} entries in ${count(report.records)} records`,
        `${count(report.bytes)} bytes`,
      ];
      if (report.tornBytes > 0) parts.push(`${count(report.tornBytes)} of them a torn tail`);
      return parts.join(", ");
    }
  }
}
