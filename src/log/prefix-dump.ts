import { CorruptedError } from "../errors/index.js";
import type { FileHandle, FileSystem } from "../platform/index.js";
import type { Dump } from "./compaction.js";
import { writeDump, type DumpTarget } from "./dump.js";
import { LogFold } from "./fold.js";
import { io } from "./io-errors.js";
import type { LogFile } from "./log-file.js";
import { scanLog } from "./scan-log.js";

/** The beginning of a log, which nothing changes any more. */
export interface LogPrefix {
  readonly fs: FileSystem;
  /** As the caller gave it, for messages. */
  readonly path: string;
  /** Resolved. */
  readonly target: string;
  readonly source: LogFile;
  /** It ends here, with a whole frame. */
  readonly end: number;
}

/** What the prefix adds up to. */
export function dumpOfPrefix({ path, source, end }: LogPrefix): Dump {
  return (target) => dumpPrefix(source.handle, path, end, target);
}

async function dumpPrefix(
  source: FileHandle,
  path: string,
  end: number,
  target: DumpTarget,
): Promise<number> {
  const fold = new LogFold();
  const scan = await io(path, "read", () => scanLog(prefixOf(source, end), path, fold));
  if (scan.goodBytes !== end) {
    // All up to there was written whole: what looks like a torn tail is damage.
    throw new CorruptedError(path, scan.goodBytes, "what was written there is gone");
  }
  return await writeDump(target, {
    live: await fold.sortedEntries(),
    position: fold.lastPosition,
  });
}

/** The file as if it ended there. */
function prefixOf(handle: FileHandle, end: number): FileHandle {
  return {
    read: (target, position) =>
      handle.read(target.subarray(0, Math.max(0, end - position)), position),
    stat: async () => ({ ...(await handle.stat()), size: end }),
    writeSync: (bytes, position) => handle.writeSync(bytes, position),
    write: (bytes, position) => handle.write(bytes, position),
    truncateSync: (length) => handle.truncateSync(length),
    setPermissions: (permissions) => handle.setPermissions(permissions),
    setOwner: (owner) => handle.setOwner(owner),
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}
