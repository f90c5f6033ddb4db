import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { readSnapshot } from "../../src/log/index.js";
import { tempDirectory } from "../support/temp-directory.js";

const CHILD = new URL("../support/log-compacter.child.js", import.meta.url);

/** What a process with these options makes of a long log, and says of it. */
async function compactBy(options: readonly string[]): Promise<{ size: number; workers: number }> {
  await using directory = await tempDirectory();
  const path = directory.file("log.snap");
  const { stdout } = await promisify(execFile)(process.execPath, [...options, path]);
  const snapshot = await readSnapshot(path);
  assert.equal(snapshot?.cursor.toU64(), 2000n);
  assert.equal(snapshot.entries.size, 10);
  return JSON.parse(stdout) as { size: number; workers: number };
}

function assertCompact(size: number): void {
  assert.ok(size > 10_000 && size < 12_000, `${size} bytes`);
}

/**
 * Makes every start of a worker be refused, as the permission model does. Not by that model itself: on Node 26 it also refuses
 * `fsync`, without which there is no compaction.
 */
const NO_WORKERS = `
  import threads from "node:worker_threads";
  import { syncBuiltinESMExports } from "node:module";
  threads.Worker = class {
    constructor() {
      throw Object.assign(new Error("no workers here"), { code: "ERR_ACCESS_DENIED" });
    }
  };
  syncBuiltinESMExports();
`;

describe("a long log is compacted", () => {
  test("by a worker in a process whose options are none for a file", async () => {
    const { size, workers } = await compactBy([
      "--input-type=module",
      "--eval",
      `await import("${CHILD.href}")`,
    ]);
    assertCompact(size);
    assert.equal(workers, 1);
  });

  test("without one in a process that may start none", async () => {
    const { size, workers } = await compactBy([
      "--import",
      `data:text/javascript,${encodeURIComponent(NO_WORKERS)}`,
      fileURLToPath(CHILD),
    ]);
    assertCompact(size);
    assert.equal(workers, 0);
  });
});
