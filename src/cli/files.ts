import { stat } from "node:fs/promises";
import { MillpondError } from "../errors/index.js";

/** Throws `io` where no file is at `path`: a log that is not there is a mistake in a command line, not an empty log. */
export async function requireFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found !== undefined) return;
  throw new MillpondError("io", `${path} is not there`, {
    hint: "A mirror's log is the file copy.snap in the directory given as --to.",
  });
}

/** Throws `io` where `path` is something else than a directory; nothing there is fine. */
export async function requireDirectory(path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.isDirectory()) return;
  throw new MillpondError("io", `${path} is not a directory`, {
    hint: "The copy needs a directory of its own; one that is not there is made.",
  });
}
