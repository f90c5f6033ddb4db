import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isMillpondError } from "../../src/errors/index.js";
import { ManualClock, randomFrom, SimulatedDisk } from "../../src/testing/index.js";
import { seedOfRun } from "../support/seed.js";

const seed = seedOfRun();
const PATH = "/data/file";

function diskOf(run = 0): { readonly clock: ManualClock; readonly disk: SimulatedDisk } {
  const clock = new ManualClock();
  return { clock, disk: new SimulatedDisk(clock, randomFrom(seed + run)) };
}

const withCode =
  (code: string) =>
  (error: unknown): boolean =>
    (error as { readonly code?: unknown }).code === code;

const refused = (error: unknown): boolean => isMillpondError(error, "invalid-argument");

describe("a simulated disk", () => {
  test("keeps through a power loss what was synced, with its directory, and nothing else for certain", async () => {
    const kept = new Set<string>();
    for (let run = 0; run < 60; run += 1) {
      const { disk } = diskOf(run);
      const fs = disk.process();
      const file = await fs.open(PATH, "create");
      file.writeSync(Buffer.alloc(1024, "s"), 0);
      await file.sync();
      await fs.syncDirectory("/data");
      file.writeSync(Buffer.alloc(2048, "u"), 1024);
      disk.losePower();
      const content = Buffer.from(disk.content(PATH) ?? []).toString("latin1");
      assert.equal(content.slice(0, 1024), "s".repeat(1024), `MILLPOND_SEED=${seed}`);
      assert.match(content.slice(1024), /^[u\0]*$/);
      kept.add(content.slice(1024));
      assert.throws(() => fs.statSync(PATH), withCode("EBADF"));
    }
    // All, nothing, some of the sectors: with zeros where an earlier one is not there.
    assert.ok(kept.has(""), `MILLPOND_SEED=${seed}`);
    assert.ok(kept.has("u".repeat(2048)), `MILLPOND_SEED=${seed}`);
    assert.ok(
      [...kept].some((text) => /\0/.test(text)),
      `MILLPOND_SEED=${seed}`,
    );
  });

  test("may forget a rename whose directory was not synced", async () => {
    const names = new Set<string>();
    for (let run = 0; run < 40; run += 1) {
      const { disk } = diskOf(run);
      const fs = disk.process();
      const file = await fs.open(PATH, "create");
      await file.sync();
      await fs.syncDirectory("/data");
      await fs.rename(PATH, "/data/other");
      disk.losePower();
      names.add(disk.paths.join());
    }
    assert.deepEqual([...names].toSorted(), [PATH, "/data/other"].toSorted());
  });

  test("that is full takes a part of a write and fails with ENOSPC, until it is healed", async () => {
    const { disk } = diskOf();
    const file = await disk.process().open(PATH, "create");
    file.writeSync(Buffer.alloc(100), 0);
    disk.capacityBytes = disk.usedBytes + 10;
    assert.throws(() => file.writeSync(Buffer.alloc(50), 100), withCode("ENOSPC"));
    assert.ok((disk.content(PATH)?.length ?? 0) <= 110);
    disk.heal();
    file.writeSync(Buffer.alloc(50), 100);
    assert.equal(disk.content(PATH)?.length, 150);
  });

  test("fails what it is told to fail, and nothing else", async () => {
    const { disk } = diskOf();
    const fs = disk.process();
    const file = await fs.open(PATH, "create");
    disk.fail("sync");
    file.writeSync(Buffer.from("x"), 0);
    await assert.rejects(file.sync(), withCode("EIO"));
    disk.heal();
    await file.sync();
    disk.fail("rename");
    await assert.rejects(fs.rename(PATH, "/data/other"), withCode("EIO"));
    disk.fail("rename", 0);
    await fs.rename(PATH, "/data/other");
  });

  test("refuses to fail what does not, a chance that is none, and a time that is no function", () => {
    const { disk } = diskOf();
    assert.throws(() => disk.fail("wirte" as "write"), refused);
    for (const chance of [-0.1, 1.1, Number.NaN]) {
      assert.throws(() => disk.fail("write", chance), refused, `${chance}`);
    }
    assert.throws(() => (disk.latencyMs = 5 as never), refused);
  });

  test("gives the locks of a killed process free, and does nothing more for it", async () => {
    const { clock, disk } = diskOf();
    const one = disk.process();
    const other = disk.process();
    await one.lock(PATH);
    await assert.rejects(other.lock(PATH), (error) => isMillpondError(error, "locked"));
    const file = await one.open(PATH, "create");
    disk.latencyMs = () => 10;
    const writing = file.write(Buffer.from("late"), 0);
    one.kill();
    await Promise.all([clock.run(100), assert.rejects(writing, withCode("EBADF"))]);
    assert.equal(disk.content(PATH)?.length, 0);
    await other.lock(PATH);
  });

  test("rots in one bit, where it says", async () => {
    const { disk } = diskOf();
    const file = await disk.process().open(PATH, "create");
    file.writeSync(Buffer.alloc(1000), 0);
    await file.sync();
    const { path, offset } = disk.rot() ?? {};
    assert.equal(path, PATH);
    const bad = [...(disk.content(PATH) ?? [])].flatMap((byte, at) => (byte === 0 ? [] : [at]));
    assert.deepEqual(bad, [offset]);
  });
});
