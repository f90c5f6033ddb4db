import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { replayScript, type Script } from "../simulation.js";
import type { Planted } from "../teeth/fault.js";
import { faults } from "../teeth/faults/index.js";
import { environmentOf, loaderOf } from "../teeth/run-seeds.js";
import { found } from "./index.js";
import { undone } from "./undone.js";

const CHILD = fileURLToPath(new URL("replay.child.js", import.meta.url));
const FOUND = join("test", "sim", "found");
const biting = found.filter((one) => "bites" in one);

function fileOf(script: string): string {
  return join(FOUND, `${script}.json`);
}

/** What each replay finds, in a process that has this in it; "": nothing. */
async function checksWith(planted: Planted, scripts: readonly string[]): Promise<string[]> {
  const args = [...loaderOf(planted), CHILD, ...scripts.map(fileOf)];
  const options = { env: environmentOf(planted) };
  const { stdout } = await promisify(execFile)(process.execPath, args, options);
  return stdout.split("\n").slice(0, -1);
}

describe("what the simulator once found", () => {
  test("is all listed, each by its own name", () => {
    const files = readdirSync(FOUND).filter((name) => name.endsWith(".json"));
    assert.deepEqual(found.map(({ script }) => `${script}.json`).toSorted(), files.toSorted());
  });

  for (const { script } of found) {
    test(`goes well where it once did not: ${script}`, async () => {
      const text = readFileSync(fileOf(script), "utf8");
      assert.deepEqual((await replayScript(JSON.parse(text) as Script)).violation, undefined);
    });
  }

  for (const planted of [...faults, ...undone]) {
    const scripts = biting.filter(({ bites }) => bites === planted.id).map(({ script }) => script);
    if (scripts.length === 0) continue;
    test(`is found again with ${planted.id}: ${scripts.join(", ")}`, async () => {
      const checks = await checksWith(planted, scripts);
      assert.deepEqual(
        scripts.filter((_, index) => (checks[index] ?? "") === ""),
        [],
      );
    });
  }

  test("names what there is once, and all that undoes a mend is named", () => {
    const ids = [...faults, ...undone].map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    const named = new Set(biting.map(({ bites }) => bites));
    assert.deepEqual(
      [...named].filter((id) => !ids.includes(id)),
      [],
    );
    assert.deepEqual(
      undone.filter(({ id }) => !named.has(id)),
      [],
    );
  });
});
