import { openInProcess } from "../../src/in-process/index.js";
import type { BucketConfig } from "../../src/kv/index.js";
import type { InProcessBucket, InProcessConnection } from "../../src/in-process/index.js";
import { tempDirectory, type TempDirectory } from "./temp-directory.js";

/** An empty bucket in this process, and a place for a copy of it. */
export interface Scene extends AsyncDisposable {
  readonly connection: InProcessConnection;
  readonly source: InProcessBucket;
  readonly directory: TempDirectory;
  /** Nothing is there yet. */
  readonly path: string;
}

/** Both are gone at the end of the scope that holds them. */
export async function openScene(config: BucketConfig = {}): Promise<Scene> {
  const directory = await tempDirectory();
  const connection = await openInProcess();
  const source = await connection.createBucket("b", config);
  return {
    connection,
    source,
    directory,
    path: directory.file("copy"),
    async [Symbol.asyncDispose]() {
      await connection.close();
      await directory[Symbol.asyncDispose]();
    },
  };
}
