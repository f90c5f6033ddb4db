import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { MillpondError } from "../errors/index.js";
import { inspectLog } from "../log/index.js";
import { nodeFileSystem } from "../platform/index.js";
import { LOG_NAME, OriginFile, originOf } from "../replica/index.js";
import type { CopyIdentity } from "../rules/index.js";

/**
 * Which bucket the copy at `path`, a directory or a log, is of: as the log says, or as `replica.json` beside it does, where the log
 * has no room for that (format 2). `undefined` where neither does. Throws where there is no copy.
 */
export async function originOfCopy(path: string): Promise<CopyIdentity | undefined> {
  const found = await stat(path).catch(() => undefined);
  const log = found?.isDirectory() === true ? join(path, LOG_NAME) : path;
  const report = await inspectLog(log);
  if (report.result === "error") {
    const { code, message, hint } = report;
    throw new MillpondError(code, message, hint === undefined ? {} : { hint });
  }
  if (report.result === "none") throw noCopy(log);
  if (report.origin !== undefined) return originOf(report.origin);
  // What lies beside it is of the replica's log, and says nothing of another one in its directory.
  if (basename(log) !== LOG_NAME) return undefined;
  return new OriginFile(nodeFileSystem, dirname(log)).read();
}

export function noCopy(path: string): MillpondError {
  return new MillpondError("io", `${path} holds no copy`, {
    hint: "Give the directory that `millpond mirror BUCKET --to DIR` keeps, or a log in it.",
  });
}
