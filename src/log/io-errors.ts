import { IoError, isMillpondError, type MillpondError } from "../errors/index.js";

const HINTS: Readonly<Record<string, string>> = {
  EACCES:
    "This user may not do that here: check the owner and the mode of the file and of its directory.",
  EPERM:
    "This user may not do that here: check the owner and the mode of the file and of its directory.",
  EROFS: "The file system is mounted read-only.",
  ENOSPC: "The disk is full: free some space. What was acknowledged is safe.",
  EDQUOT: "This user's disk quota is used up. What was acknowledged is safe.",
  EIO: "The disk reports a fault: look at the system's log.",
  ENOENT: "A directory on the way to it does not exist.",
  EEXIST: "Something on the way to it is a file, not a directory.",
  ENOTDIR: "Something on the way to it is a file, not a directory.",
  EISDIR: "It is a directory: name the snapshot file in it.",
  EMFILE: "This process has too many files open: raise its limit.",
  ENAMETOOLONG: "The name is too long for this file system.",
  ERR_ACCESS_DENIED:
    "Node's permission model forbids it. A log needs to read and write its directory and to sync files, which some versions never allow under that model (seen on 26).",
  ELOOP: "Its symbolic links lead in a circle.",
};

/** What a file operation threw, as one of ours; an error that is ours already stays as it is. */
export function ioError(path: string, operation: string, cause: unknown): MillpondError {
  if (isMillpondError(cause)) return cause;
  const { code } = cause as NodeJS.ErrnoException;
  return new IoError(path, operation, cause, code === undefined ? undefined : HINTS[code]);
}

/** A sync is made once: where it failed, the system may have dropped what it could not write, and say so only once. */
export function syncFailed(path: string, cause: unknown): IoError {
  return new IoError(
    path,
    "sync",
    cause,
    "What was written since the last sync may not be on the disk; nothing more is written to this file. Look at the system's log, then close it and open it again.",
  );
}

/** Runs a file operation and throws what it throws as one of ours. */
export async function io<T>(path: string, operation: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw ioError(path, operation, cause);
  }
}

/**
 * The writer's lock goes with a name, and a compaction parts a file from its other names: with two of them two writers
 * would be let in.
 */
export function hardLinked(path: string): IoError {
  return new IoError(
    path,
    "write to",
    "the file has more than one name (a hard link)",
    "Remove the other names, or make this one a copy: cp it to another name and mv that one back.",
  );
}

export function nameTooLong(path: string): IoError {
  return new IoError(
    path,
    "open",
    "the file's name is so long that the temporary file of a compaction could not have one",
    "Give it a name of 232 bytes at most.",
  );
}

/** Not a file that could be a log: opening a pipe or a device might hang. */
export function notAFile(path: string, kind: "directory" | "other"): IoError {
  return new IoError(
    path,
    "read",
    kind === "directory" ? "it is a directory" : "it is not a regular file",
    "Name the snapshot file itself.",
  );
}

/** A log that is damaged, and could not be healed. */
export function healingFailed(path: string, damage: MillpondError, cause: unknown): IoError {
  return new IoError(
    path,
    "heal",
    cause,
    `${damage.message}. It is as it was: see that the disk has room and that this user may write in the directory, then open it again.`,
  );
}
