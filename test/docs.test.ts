import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { describe, test } from "node:test";

/** The project's root: the tests run compiled, from .build/test. */
const ROOT = new URL("../../", import.meta.url);

async function read(name: string): Promise<string> {
  return await readFile(new URL(name, ROOT), "utf8");
}

describe("ARCHITECTURE.md", () => {
  test("names only tests that exist", async () => {
    const text = await read("ARCHITECTURE.md");
    const named = [...text.matchAll(/`(test\/[^`]+\.test\.ts)`(?: "([^"]+)")?/g)];
    assert.ok(named.length > 10);
    for (const [, file = "", title = ""] of named) {
      assert.ok((await read(file)).includes(title), `${file} has no test "${title}"`);
    }
  });

  test("has a row for each folder of src, and lint a rule for each but the command line", async () => {
    const text = await read("ARCHITECTURE.md");
    const lint = await read(".oxlintrc.json");
    const entries = await readdir(new URL("src", ROOT), { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    assert.ok(folders.length > 10);
    for (const folder of folders) {
      assert.ok(text.includes(`| \`${folder}\``), `no row for ${folder}`);
      const ruled = lint.includes(`"src/${folder}/**"`);
      assert.equal(ruled, folder !== "cli", `lint rule for ${folder}`);
    }
  });
});

describe("README.md", () => {
  test("lists every error code, and no other", async () => {
    const codes = [...(await read("src/errors/codes.ts")).matchAll(/^ {2}\| "([a-z-]+)"/gm)];
    const table = (await read("README.md")).split("## Errors")[1] ?? "";
    const listed = [...table.matchAll(/^\| (`[a-z-]+`(?:, `[a-z-]+`)*)/gm)]
      .flatMap(([, cell = ""]) => cell.split(", "))
      .map((quoted) => quoted.replaceAll("`", ""));
    assert.deepEqual(listed.toSorted(), codes.map(([, code = ""]) => code).toSorted());
  });
});
