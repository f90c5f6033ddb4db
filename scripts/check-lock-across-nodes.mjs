// Checks that two Node versions keep each other out of a file, both ways round. Arguments: two `node` binaries. Needs
// `npm run build:test` first. Apart from the tests, which know of one Node only.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const HOLDER = join(".build", "test", "support", "lock-holder.child.js");
const [first, second] = process.argv.slice(2);
const directory = mkdtempSync(join(tmpdir(), "millpond-lock-"));
try {
  await check(first, second);
  await check(second, first);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function check(holder, other) {
  const path = join(directory, "log.snap");
  const child = spawn(holder, [HOLDER, path], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  try {
    const [said] = await Promise.race([once(child.stdout, "data"), ended]);
    const { stdout } = spawnSync(other, [HOLDER, path, "then-end"], {
      encoding: "utf8",
      timeout: 30_000,
    });
    const held = String(said) === "held\n";
    if (held && stdout === "locked\n") {
      console.log(`lock held by ${holder}: ${other} is refused`);
      return;
    }
    console.error(`lock of ${holder}: ${String(said).trim()}; of ${other} meanwhile: ${stdout}`);
    process.exitCode = 1;
  } finally {
    child.kill("SIGKILL");
    await ended;
  }
}
