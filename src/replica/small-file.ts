import { dirname } from "node:path";
import { IoError } from "../errors/index.js";
import type { FileSystem } from "../platform/index.js";

/**
 * The text of the file; `undefined` where there is none, or one that is longer than `maxBytes` or no file. Throws what the disk throws: what
 * cannot be read for a moment must not pass for what is not there.
 */
export async function readSmallFile(
  fs: FileSystem,
  path: string,
  maxBytes: number,
): Promise<string | undefined> {
  const stat = await fs.stat(path);
  if (stat === undefined || stat.kind !== "file" || stat.size > maxBytes) return undefined;
  const file = await fs.open(path, "read");
  try {
    const bytes = new Uint8Array(stat.size);
    const length = await file.read(bytes, 0);
    return new TextDecoder().decode(bytes.subarray(0, length));
  } finally {
    await file.close();
  }
}

/**
 * Puts a file of this text in the place of the one at `path`, whole or not at all. `synced`: also over a power loss, which
 * otherwise may leave any bytes. Throws `io`.
 */
export async function replaceSmallFile(
  fs: FileSystem,
  path: string,
  text: string,
  { synced }: { readonly synced: boolean },
): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    const file = await fs.open(temporary, "create");
    try {
      file.truncateSync(0);
      file.writeSync(new TextEncoder().encode(text), 0);
      if (synced) await file.sync();
    } finally {
      await file.close();
    }
    await fs.rename(temporary, path);
  } catch (error) {
    throw new IoError(path, "write", error);
  }
}

/** For good, also over a power loss. Throws `io`. */
export async function removeSmallFile(fs: FileSystem, path: string): Promise<void> {
  try {
    if ((await fs.stat(path)) === undefined) return;
    await fs.remove(path);
    await fs.syncDirectory(dirname(path));
  } catch (error) {
    throw new IoError(path, "remove", error);
  }
}

/** `undefined` for what is no JSON object. */
export function objectOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) return undefined;
    return parsed as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
