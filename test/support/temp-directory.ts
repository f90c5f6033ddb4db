import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A fresh directory that is removed, with all in it, at the end of the scope that holds it. */
export interface TempDirectory extends AsyncDisposable {
  readonly path: string;
  /** The path of a file of this name in it. */
  file(name: string): string;
}

export async function tempDirectory(): Promise<TempDirectory> {
  const path = await mkdtemp(join(tmpdir(), "millpond-test-"));
  return {
    path,
    file: (name) => join(path, name),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }),
  };
}
