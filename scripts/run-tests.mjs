// Runs the compiled tests: all of them, or those whose path contains one of the words given.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const root = join(".build", "test");
const words = process.argv.slice(2);
const files = readdirSync(root, { recursive: true })
  .filter((name) => name.endsWith(".test.js"))
  .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
  .map((name) => join(root, name))
  .toSorted();
if (files.length === 0) {
  console.error(
    `no test file matches ${words.join(" ") || "at all: run `npm run build:test` first"}`,
  );
  process.exit(1);
}
const { status } = spawnSync(process.execPath, ["--test", "--test-timeout=300000", ...files], {
  stdio: "inherit",
});
process.exit(status ?? 1);
