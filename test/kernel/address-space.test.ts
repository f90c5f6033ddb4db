import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";

const CHILD = fileURLToPath(new URL("../support/two-arenas.child.js", import.meta.url));
/** Room for a Node process and what V8 reserves for one WASM memory, but not for two. */
const LIMIT_KIB = 12_000_000;

/** What the child prints under a limit of address space. */
function underLimit(...flags: readonly string[]): string {
  const command = `ulimit -v ${LIMIT_KIB} && exec "$0" "$@"`;
  const { stdout, stderr } = spawnSync("sh", ["-c", command, process.execPath, ...flags, CHILD], {
    encoding: "utf8",
  });
  assert.equal(stderr, "");
  return stdout;
}

describe("in a process with little address space", () => {
  test("a copy that there is no room for is too-large, with a hint at the limit", () => {
    assert.match(underLimit(), /^1 too-large: .*ulimit -v.*--disable-wasm-trap-handler/);
  });

  test("copies reserve no more than their bounds where the engine checks each access", () => {
    assert.equal(underLimit("--disable-wasm-trap-handler"), "2");
  });
});
