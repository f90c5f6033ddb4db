import { IoError } from "../errors/index.js";
import type { FileHandle, FileStat, FileSystem } from "../platform/index.js";

/** The file that a writer has open is not the one at its path any more. */
export class MovedAwayError extends IoError {
  /** The ids of the files of the writer's own of which one may be there, where it could not be found out. */
  readonly heirs: readonly string[];

  constructor(path: string, heirs: readonly string[] = []) {
    super(
      path,
      "go on with",
      "it, or its directory, was moved, removed or replaced while it was open",
      "Find out what did that. What was acknowledged is in the file that was moved. Then close this writer and open the log again.",
    );
    this.heirs = heirs;
  }
}

/** Throws {@link MovedAwayError} unless the file at `path` has one of these ids. */
export async function requireInPlace(
  fs: FileSystem,
  path: string,
  ...fileIds: readonly string[]
): Promise<FileStat> {
  const stat = await fs.stat(path);
  if (stat === undefined || !fileIds.includes(stat.fileId)) throw new MovedAwayError(path);
  return stat;
}

/** Whether the file at `path` is the one that `handle` has open. `undefined` where that cannot be found out. */
export function isInPlace(fs: FileSystem, path: string, handle: FileHandle): boolean | undefined {
  try {
    return fs.statSync(path)?.fileId === handle.statSync().fileId;
  } catch {
    return undefined;
  }
}
