import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { open, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { describe, test } from "node:test";
import { MAIN, runCli, RunningCli, startCli } from "../support/cli.js";
import { tempDirectory } from "../support/temp-directory.js";

describe("a mirror that is told to stop", () => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`by ${signal} ends with 0 and says where it is`, async () => {
      await using directory = await tempDirectory();
      await using cli = startCli("mirror", "demo", "--to", directory.path, "--json");
      await cli.event("ready");
      cli.child.kill(signal);
      const { status, stderr, records } = await cli.ended();
      assert.equal(status, 0);
      assert.match(stderr, /stopped: [\d,]+ keys at cursor \d+\n$/);
      assert.equal(records.at(-1)?.["event"], "stopped");
    });
  }

  test("while a server that says nothing is being dialled ends at once, and not as if it were done", async () => {
    await using directory = await tempDirectory();
    await using silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = silent.address();
    assert.ok(typeof address === "object" && address !== null);
    const url = `nats://127.0.0.1:${address.port}`;
    await using cli = startCli("mirror", "b", "--to", directory.path, "--nats", url, "--once");
    const [socket] = await once(silent, "connection");
    assert.ok(socket !== undefined);
    const toldAt = performance.now();
    cli.child.kill("SIGTERM");
    assert.equal((await cli.ended()).status, 130);
    assert.ok(performance.now() - toldAt < 5000);
  });
});

describe("a mirror whose output nobody takes", () => {
  test("ends when the reader of its JSON goes away, and not with 0", async () => {
    await using directory = await tempDirectory();
    const cli = startCli("mirror", "demo", "--to", directory.path, "--json");
    await using _ = cli;
    await cli.event("ready");
    cli.child.stdout?.destroy();
    assert.equal((await cli.ended()).status, 141);
  });

  test("goes on when what people read goes nowhere", async () => {
    await using directory = await tempDirectory();
    await using cli = startCli("mirror", "demo", "--to", directory.path, "--json");
    cli.child.stderr?.destroy();
    await cli.event("status");
    assert.equal(cli.child.exitCode, null);
  });
});

describe("a command whose output cannot be written", () => {
  test("says so without a stack trace and ends with 1", async () => {
    await using directory = await tempDirectory();
    await writeFile(directory.file("x.snap"), "");
    const full = await open("/dev/full", "w");
    const argv = [MAIN, "inspect", directory.file("x.snap")];
    await using cli = new RunningCli(
      spawn(process.execPath, argv, { stdio: ["ignore", full.fd, "pipe"] }),
    );
    const { status, stderr } = await cli.ended();
    await full.close();
    assert.equal(status, 1);
    assert.match(stderr, /millpond: io: cannot write to standard output: .*ENOSPC/);
    assert.doesNotMatch(stderr, /\n\s+at /);
  });
});

describe("a prefix that no key has", () => {
  test("is found before anything is made, and is a mistake in the command line", async () => {
    await using directory = await tempDirectory();
    const to = directory.file("copy");
    const result = await runCli("mirror", "demo", "--to", to, "--prefix", "a.*", "--json");
    assert.equal(result.status, 2);
    assert.equal(result.records[0]?.["code"], "invalid-key");
    assert.equal((await runCli("ls", to, "--json")).records[0]?.["code"], "io");
  });
});
