import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { tempDirectory } from "./support/temp-directory.js";

/** The project's root: the tests run compiled, from .build/test. */
const ROOT = new URL("../../", import.meta.url);

async function read(name: string): Promise<string> {
  return await readFile(new URL(name, ROOT), "utf8");
}

/** That each test which the text names is there; gives how many it names. */
async function requireNamedTests(text: string): Promise<number> {
  const named = [...text.matchAll(/`(test\/[^`]+\.test\.ts)` "([^"]+)"/g)];
  for (const [, file = "", title = ""] of named) {
    // As the beginning of a title, whatever quotes it is in and however its line is broken.
    const titles = [...(await read(file)).matchAll(/\b(?:test|describe)\(\s*["`]([^"`]+)/g)];
    const found = titles.some(([, each = ""]) => each.includes(title));
    assert.ok(found, `${file} has no test "${title}"`);
  }
  return named.length;
}

describe("ARCHITECTURE.md", () => {
  test("names only tests that exist", async () => {
    const text = await read("ARCHITECTURE.md");
    const invariants = text.split("## Invariants")[1]?.split("\n## ")[0] ?? "";
    const items = invariants.split(/\n(?=\d+\. )/).slice(1);
    assert.equal(items.length, 11);
    for (const item of items) {
      const named = await requireNamedTests(item);
      assert.ok(named > 0 || item.includes("not yet, issue"), `nothing enforces: ${item}`);
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

/** Each line without what indents it. */
function lines(text: string): string {
  return text
    .split("\n")
    .map((line) => line.trim())
    .join("\n");
}

describe("docs/TESTING.md", () => {
  test("shows only code that examples/testing.mjs runs", async () => {
    const example = lines(await read("examples/testing.mjs"));
    const shown = [...(await read("docs/TESTING.md")).matchAll(/^```(\w*)\n([^]*?)^```$/gm)];
    const code = shown.filter(([, language]) => language !== "text");
    assert.ok(code.length >= 5);
    for (const [, , text = ""] of code) {
      assert.ok(example.includes(lines(text).trim()), `the example does not run: ${text}`);
    }
  });

  test("names every fault of a bad day, and everything that the kit exports", async () => {
    const text = await read("docs/TESTING.md");
    const { badDayFaults, ...kit } = await import("../src/testing/index.js");
    const story = await read("src/testing/bad-day/options.ts");
    for (const fault of badDayFaults) assert.ok(story.includes(`\`${fault}\``), fault);
    for (const name of Object.keys(kit)) {
      const isHandedOut = ["InProcessBucket", "InProcessConnection", "integerBelow"].includes(name);
      assert.ok(isHandedOut || text.includes(name), `${name} is not told of`);
    }
  });
});

/** A line that must not be in a file of the folder. */
const forbidden: readonly (readonly [folder: string, line: string])[] = [
  ["errors", 'import { inspect } from "util"; inspect(1);'],
  ["values", 'import { stat } from "node:fs/promises"; await stat("x");'],
  ["rules", 'import { readFile } from "fs"; readFile("x", String);'],
  ["rules", 'import { Kvm } from "@nats-io/kv/internal"; Kvm();'],
  ["rules", "Date.now();"],
  ["kv", 'import { sleep } from "../platform/index.js"; sleep();'],
  ["platform", 'import { checkKey } from "../values/index.js"; checkKey("x");'],
  ["kernel", 'import { crc32 } from "../log/index.js"; crc32();'],
  ["rules", 'import { Arena } from "../kernel/index.js"; Arena();'],
  ["log", 'import { connect } from "@nats-io/transport-node"; connect();'],
  ["log", 'import { scopeOf } from "../kv/index.js"; scopeOf();'],
  ["log", 'import { open } from "node:fs/promises"; open("x");'],
  ["store", 'import { watchApplied } from "../watch/index.js"; watchApplied();'],
  ["watch", 'import { AppendLogSnapshot } from "../store/index.js"; AppendLogSnapshot.open("x");'],
  ["watch", 'import { newArena } from "../store/arena-loader.js"; newArena();'],
  ["watch", "setTimeout(String, 1);"],
  ["replica", 'import { connect } from "../nats/index.js"; connect();'],
  ["nats", 'import { openInProcess } from "../in-process/index.js"; openInProcess();'],
  ["in-process", 'import { connect } from "../nats/index.js"; connect();'],
  ["testing", 'import { run } from "../cli/run.js"; run();'],
];

describe("lint", () => {
  test("keeps each folder of src to what it may know", async () => {
    await using directory = await tempDirectory();
    const { options: _, ...config } = JSON.parse(await read(".oxlintrc.json")) as {
      options: unknown;
    };
    await writeFile(directory.file(".oxlintrc.json"), JSON.stringify(config));
    for (const [index, [folder, line]] of forbidden.entries()) {
      await mkdir(directory.file(`src/${folder}`), { recursive: true });
      await writeFile(directory.file(`src/${folder}/line-${index}.ts`), `${line}\n`);
    }
    const oxlint = fileURLToPath(new URL("node_modules/.bin/oxlint", ROOT));
    const linted = spawnSync(oxlint, ["--format", "json", "src"], { cwd: directory.path });
    const { diagnostics } = JSON.parse(linted.stdout.toString()) as {
      diagnostics: { code: string; filename: string }[];
    };
    for (const [index, [folder, line]] of forbidden.entries()) {
      const found = diagnostics.some(
        ({ code, filename }) =>
          code.includes("no-restricted-") && filename.endsWith(`src/${folder}/line-${index}.ts`),
      );
      assert.ok(found, `src/${folder} may hold: ${line}`);
    }
  });
});

describe("docs/RELIABILITY.md", () => {
  test("names for each promise a test that exists", async () => {
    const promises = (await read("docs/RELIABILITY.md")).split("\n## ")[1] ?? "";
    const rows = promises.split("\n").filter((line) => /^\| [^-p]/.test(line));
    assert.ok(rows.length > 10);
    for (const row of rows) assert.equal(await requireNamedTests(row), 1, row);
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
