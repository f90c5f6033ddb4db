import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Machine } from "../../bench/harness/machine.js";
import type { Summary } from "../../bench/harness/summary.js";
import { parts } from "../../bench/parts/index.js";
import { tempDirectory } from "../support/temp-directory.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const MAIN = fileURLToPath(new URL("../../bench/main.js", import.meta.url));

interface Document {
  readonly machine: Machine;
  readonly parts: readonly Summary[];
}

function bench(args: readonly string[], env: NodeJS.ProcessEnv = {}): Document {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args, "--json"], {
    cwd: ROOT,
    encoding: "utf8",
    env: { ...process.env, ...env },
  });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as Document;
}

describe("the benchmark", () => {
  for (const { name, metrics } of parts) {
    test(`measures every subject of ${name}, at a small size`, () => {
      const { machine, parts: summaries } = bench([name, "--keys=2000", "--runs=1", "--no-peers"]);
      assert.equal(machine.keys, 2000);
      assert.deepEqual(
        summaries.map((summary) => summary.part),
        [name],
      );
      const rows = summaries.flatMap((summary) => summary.rows);
      const failed = rows.filter(({ without }) => without?.startsWith("failed") === true);
      assert.deepEqual(failed, []);
      const measured = rows.filter(({ without }) => without === undefined);
      assert.ok(measured.length >= 3);
      for (const { subject, figures } of measured) {
        const [first] = Object.values(figures);
        assert.ok(first !== undefined && Number.isFinite(first.median), `${subject} has figures`);
        const strange = Object.keys(figures).filter((key) => !metrics.some((m) => m.name === key));
        assert.deepEqual(strange, [], `${subject} has metrics that are in no column`);
      }
    });
  }

  test("names a peer that is not installed, with the reason, and measures the rest", async () => {
    await using peers = await tempDirectory();
    // The folder is what the list says, so nothing is installed; and nothing is in it.
    await copyFile(`${ROOT}bench/peers/package.json`, peers.file("package.json"));
    const [summary] = bench(["append", "--keys=2000", "--runs=1"], {
      MILLPOND_BENCH_PEERS: peers.path,
    }).parts;
    const rowOf = (name: string) => summary?.rows.find(({ subject }) => subject === name);
    assert.match(rowOf("lmdb")?.without ?? "", /^not installed: Cannot find module/);
    assert.equal(rowOf("raw writeSync")?.ratios["raw writeSync"], 1);
    assert.ok(
      summary?.targets.some(({ target, met }) => target.includes("lmdb") && met === undefined),
    );
  });

  test("refuses a part that it does not have, and says which there are", () => {
    const { status, stderr } = spawnSync(process.execPath, [MAIN, "apend"], { encoding: "utf8" });
    assert.equal(status, 2);
    assert.match(stderr, /no part "apend": there are append, load/);
  });
});
