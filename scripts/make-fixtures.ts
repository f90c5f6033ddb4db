import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fixtures } from "../test/support/fixtures.js";

/**
 * Writes the files of test/fixtures that are not there yet: `npm run fixtures`, from the root of the repository. What is there stays,
 * as files in the field do: test/log/fixtures.test.ts holds the readers to them for ever.
 */
for (const { name, bytes, content } of fixtures()) {
  const path = join("test", "fixtures", name);
  await mkdir(dirname(path), { recursive: true });
  await writeNew(`${path}.snap`, bytes);
  await writeNew(`${path}.json`, `${JSON.stringify(content, undefined, 2)}\n`);
}

async function writeNew(path: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFile(path, content, { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
