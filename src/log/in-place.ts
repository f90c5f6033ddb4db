import { IoError } from "../errors/index.js";
import type { FileHandle, FileStat, FileSystem } from "../platform/index.js";

/** The file that a writer has open is not the one at its path any more. */
export class MovedAwayError extends IoError {
  constructor(path: string) {
    super(
      path,
      "go on with",
      "it, or its directory, was moved, removed or replaced while it was open",
      "Find out what did that. What was acknowledged is in the file that was moved. Then close this writer and open the log again.",
    );
  }
}

/** Throws {@link MovedAwayError} unless the file at `path` is the one with this id. */
export async function requireInPlace(
  fs: FileSystem,
  path: string,
  fileId: string,
): Promise<FileStat> {
  const stat = await fs.stat(path);
  if (stat?.fileId !== fileId) throw new MovedAwayError(path);
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
