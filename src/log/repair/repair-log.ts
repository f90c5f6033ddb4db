import {
  nodeFileSystem,
  systemRandom,
  type Clock,
  type FileHandle,
  type FileSystem,
} from "../../platform/index.js";
import { io } from "../io-errors.js";
import { openForReading, openForWriting } from "../open-log.js";
import { scanLog } from "../scan-log.js";
import { NOBODY } from "../visitor.js";
import { assess, isDamage, type DamageError } from "./assess.js";
import type { HealingOptions, LogRepair } from "./report.js";

/** What {@link repairLog} is given. */
export interface RepairOptions extends Pick<HealingOptions, "keepCorrupt"> {
  /** Only says what would be done: changes nothing and takes no lock. Default: no. */
  readonly dryRun?: boolean;
  /** Default: the machine's own. */
  readonly fs?: FileSystem;
  /** Dates the name of the file that is set aside. Default: the machine's own. */
  readonly clock?: Clock;
}

/**
 * Does with the log at `path` what opening it for writing does: a torn end is cut off; a damaged log is set aside, and one with
 * what is good before the damage takes its place. Returns what was done about damage, or in a dry run would be;
 * `undefined` where there is none, or no file.
 *
 * Throws `invalid-format` for what is no log or a newer version's (the file stays as it is), `locked` while a writer has it, and
 * `io`.
 */
export async function repairLog(
  path: string,
  options: RepairOptions = {},
): Promise<LogRepair | undefined> {
  const { dryRun = false, fs = nodeFileSystem } = options;
  const handle = await openForReading(fs, path);
  if (handle === undefined) return undefined;
  if (dryRun) return await judge(path, handle);
  await handle.close().catch(() => undefined);
  let repair: LogRepair | undefined;
  const log = await openForWriting(fs, path, NOBODY, {
    ...options,
    format: undefined,
    random: systemRandom,
    onCorruption: "quarantine",
    onRepair(done) {
      repair = done;
    },
  });
  await log.handle.close().catch(() => undefined);
  await log.lock.release();
  return repair;
}

async function judge(path: string, handle: FileHandle): Promise<LogRepair | undefined> {
  try {
    return await io(path, "read", async () => {
      const error = await damageOf(path, handle);
      if (error === undefined) return undefined;
      const found = await assess(path, handle, error);
      if (found === undefined) throw error;
      return found.report;
    });
  } finally {
    await handle.close().catch(() => undefined);
  }
}

async function damageOf(path: string, handle: FileHandle): Promise<DamageError | undefined> {
  try {
    await scanLog(handle, path, NOBODY, { allowTornHeader: true });
    return undefined;
  } catch (error) {
    if (!isDamage(error)) throw error;
    return error;
  }
}
