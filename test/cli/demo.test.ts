import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runCli, startCli } from "../support/cli.js";
import { tempDirectory } from "../support/temp-directory.js";
import { until } from "../support/until.js";

describe("mirror without a server", () => {
  test("copies a demo bucket whose writers run, and goes on where it was after kill -9", async () => {
    await using directory = await tempDirectory();
    const to = directory.file("copy");
    await using first = startCli("mirror", "demo", "--to", to, "--json");
    const ready = await first.event("ready");
    assert.equal(ready["resumed"], false);
    assert.ok(Number(ready["keys"]) > 1000);
    const sizeOf = async (): Promise<unknown> =>
      (await runCli("inspect", `${to}/copy.snap`, "--json")).records[0]?.["cursor"];
    const before = await sizeOf();
    await until("the copy follows the writers", async () => (await sizeOf()) !== before);
    assert.equal((await runCli("get", to, "flags.beta")).status, 1);
    first.child.kill("SIGKILL");
    await first.ended();

    await using second = startCli("mirror", "demo", "--to", to, "--json");
    const resumed = await second.event("ready");
    assert.equal(resumed["resumed"], true);
    assert.ok(Number(resumed["received"]) < Number(ready["received"]));
    second.child.kill("SIGINT");
    const { status, stderr, records } = await second.ended();
    assert.equal(status, 0);
    assert.match(stderr, /resumed from its cursor, [\d,]+ updates had been missed/);
    assert.equal(records.at(-1)?.["event"], "stopped");
  });

  test("says locked, with the holder's pid, to a second one on the same directory", async () => {
    await using directory = await tempDirectory();
    await using first = startCli("mirror", "demo", "--to", directory.path, "--json");
    await first.event("ready");
    const second = await runCli("mirror", "demo", "--to", directory.path, "--json");
    assert.equal(second.status, 1);
    assert.equal(second.records[0]?.["code"], "locked");
    assert.equal(second.records[0]?.["pid"], first.child.pid);
  });
});
