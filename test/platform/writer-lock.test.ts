import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { link, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isMillpondError, LockedError } from "../../src/errors/index.js";
import { nodeFileSystem } from "../../src/platform/index.js";
import { abstractSocketName } from "../../src/platform/writer-lock.js";
import { tempDirectory } from "../support/temp-directory.js";

const SUPPORT = join(dirname(fileURLToPath(import.meta.url)), "..", "support");
const HOLDER = join(SUPPORT, "lock-holder.child.js");
const CLUSTER = join(SUPPORT, "lock-cluster.child.js");

async function startHolder(path: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [HOLDER, path], { stdio: ["ignore", "pipe", "inherit"] });
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  assert.equal(said.toString(), "held\n");
  return child;
}

test("another process is refused and told who holds the lock, until the holder is killed", async () => {
  await using directory = await tempDirectory();
  const path = directory.file("log.snap");
  const holder = await startHolder(path);
  const ended = once(holder, "exit");
  try {
    await assert.rejects(nodeFileSystem.lock(path), (error) => {
      assert.ok(error instanceof LockedError);
      assert.equal(error.pid, holder.pid);
      return true;
    });
  } finally {
    holder.kill("SIGKILL");
    await ended;
  }
  const lock = await nodeFileSystem.lock(path);
  assert.equal(await readFile(`${path}.lock`, "utf8"), `${process.pid}\n`);
  await lock.release();
});

test("a note of a process that is gone, or of anything else, locks nothing", async () => {
  await using directory = await tempDirectory();
  const path = directory.file("log.snap");
  for (const note of ["1\n", `${process.pid}\n`, "", "not a number"]) {
    await writeFile(`${path}.lock`, note);
    await (await nodeFileSystem.lock(path)).release();
  }
});

test("a note that is a link leaves what it leads to as it is, and still tells the holder", async () => {
  await using directory = await tempDirectory();
  const path = directory.file("log.snap");
  const other = directory.file("other");
  await writeFile(other, "another's\n");
  for (const make of [symlink, link]) {
    await make(other, `${path}.lock`);
    const lock = await nodeFileSystem.lock(path);
    assert.equal(await readFile(other, "utf8"), "another's\n");
    assert.equal(await readFile(`${path}.lock`, "utf8"), `${process.pid}\n`);
    await lock.release();
  }
});

test("a second lock in the same process is refused; other names and other directories are free", async () => {
  await using directory = await tempDirectory();
  await using elsewhere = await tempDirectory();
  const lock = await nodeFileSystem.lock(directory.file("log.snap"));
  const again = nodeFileSystem.lock(directory.file("log.snap"));
  await assert.rejects(again, (error) => isMillpondError(error, "locked"));
  const others = await Promise.all([
    nodeFileSystem.lock(directory.file("other.snap")),
    nodeFileSystem.lock(elsewhere.file("log.snap")),
  ]);
  for (const held of [...others, lock]) await held.release();
  await lock.release();
  await (await nodeFileSystem.lock(directory.file("log.snap"))).release();
});

test("is seen to be held, or not, without being taken", async () => {
  await using directory = await tempDirectory();
  const path = directory.file("log.snap");
  assert.equal(await nodeFileSystem.isLocked(path), false);
  const holder = await startHolder(path);
  const ended = once(holder, "exit");
  assert.equal(await nodeFileSystem.isLocked(path), true);
  await assert.rejects(nodeFileSystem.lock(path), (error) => isMillpondError(error, "locked"));
  holder.kill("SIGKILL");
  await ended;
  assert.equal(await nodeFileSystem.isLocked(path), false);
});

test("two workers of one cluster do not share the lock", async () => {
  await using directory = await tempDirectory();
  const child = spawn(process.execPath, [CLUSTER, directory.file("log.snap")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit");
  const [said] = (await once(child.stdout, "data")) as [Buffer];
  assert.equal(said.toString(), "held locked\n");
  await ended;
});

test("a held lock keeps no process alive", async () => {
  await using directory = await tempDirectory();
  const args = [HOLDER, directory.file("log.snap"), "then-end"];
  const child = spawn(process.execPath, args, { stdio: "ignore" });
  assert.deepEqual(await once(child, "exit"), [0, null]);
});

test("the abstract socket's name leaves no byte for Node versions to fill differently", () => {
  const digits = "0123456789abcdef0123456789abcdef";
  const name = Buffer.from(abstractSocketName(digits));
  // `sun_path` of Linux: Node 20 binds all of it, later versions the name's length.
  assert.equal(name.length, 108);
  assert.equal(name.lastIndexOf(0), 0);
  assert.ok(name.includes(digits));
});
