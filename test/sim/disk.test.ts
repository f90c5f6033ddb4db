import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { randomFrom } from "../../src/testing/simulation/random.js";
import { SimulatedDisk } from "../../src/testing/simulation/simulated-disk.js";

const PATH = "/disk/file";
const SECTOR = 512;

function disk(seed = 1): SimulatedDisk {
  return new SimulatedDisk(new ManualClock(), randomFrom(seed));
}

describe("a simulated disk", () => {
  test("keeps what a killed process wrote, and frees its lock", async () => {
    const machine = disk();
    const first = machine.process();
    const handle = await first.open(PATH, "create");
    handle.writeSync(Buffer.from("written"), 0);
    await first.lock(PATH);
    first.kill();
    assert.throws(() => handle.writeSync(Buffer.from("late"), 0), { code: "EBADF" });
    assert.equal(Buffer.from(machine.content(PATH) ?? []).toString(), "written");
    await machine.process().lock(PATH);
  });

  test("loses to a power loss any sectors that were not synced, and none that were", async () => {
    let holes = 0;
    for (let seed = 1; seed <= 60; seed += 1) {
      const machine = disk(seed);
      const fs = machine.process();
      const handle = await fs.open(PATH, "create");
      handle.writeSync(Buffer.alloc(SECTOR, 1), 0);
      await handle.sync();
      await fs.syncDirectory("/disk");
      handle.writeSync(Buffer.alloc(SECTOR, 2), SECTOR);
      handle.writeSync(Buffer.alloc(SECTOR, 3), 2 * SECTOR);
      machine.losePower();
      const left = machine.content(PATH) ?? new Uint8Array(0);
      assert.ok(
        left.subarray(0, SECTOR).every((byte) => byte === 1),
        `seed ${seed}`,
      );
      if (left[2 * SECTOR] === 3 && left[SECTOR] === 0) holes += 1;
    }
    assert.ok(holes > 0, "no later write ever survived an earlier one");
  });

  test("has what was written, whatever becomes of the buffer afterwards", async () => {
    let survived = 0;
    for (let seed = 1; seed <= 30; seed += 1) {
      const machine = disk(seed);
      const handle = await machine.process().open(PATH, "create");
      const buffer = Buffer.alloc(SECTOR, 1);
      handle.writeSync(buffer, 0);
      const writing = handle.write(buffer, SECTOR);
      buffer.fill(9);
      await writing;
      machine.losePower();
      const left = machine.content(PATH) ?? new Uint8Array(0);
      assert.ok(!left.includes(9), `seed ${seed}`);
      if (left.includes(1)) survived += 1;
    }
    assert.ok(survived > 0, "nothing ever survived");
  });

  test("forgets a name whose directory was not synced, in some power losses", async () => {
    const survived = new Set<boolean>();
    for (let seed = 1; seed <= 20; seed += 1) {
      const machine = disk(seed);
      await (await machine.process().open(PATH, "create")).sync();
      machine.losePower();
      survived.add(machine.paths.includes(PATH));
    }
    assert.deepEqual(survived, new Set([false, true]));
  });

  test("gives up pages at a sync that fails, which no later sync brings back", async () => {
    let lost = 0;
    for (let seed = 1; seed <= 20; seed += 1) {
      const machine = disk(seed);
      const fs = machine.process();
      const handle = await fs.open(PATH, "create");
      await fs.syncDirectory("/disk");
      handle.writeSync(Buffer.from("data"), 0);
      machine.fail("sync");
      await assert.rejects(handle.sync(), { code: "EIO" });
      machine.heal();
      await handle.sync();
      machine.losePower();
      if (machine.content(PATH)?.length === 0) lost += 1;
    }
    assert.ok(lost > 0 && lost < 20, `${lost} of 20`);
  });

  test("is full beyond its capacity, after a part of the write", async () => {
    const machine = disk();
    const handle = await machine.process().open(PATH, "create");
    machine.capacityBytes = 10;
    assert.throws(() => handle.writeSync(Buffer.alloc(20, 1), 0), { code: "ENOSPC" });
    assert.ok(machine.usedBytes <= 10);
    machine.heal();
    handle.writeSync(Buffer.alloc(20, 1), 0);
  });

  test("flips one bit of what is on it", async () => {
    const machine = disk();
    const handle = await machine.process().open(PATH, "create");
    handle.writeSync(Buffer.alloc(100), 0);
    await handle.sync();
    const where = machine.rot();
    assert.equal(where?.path, PATH);
    const flipped = (machine.content(PATH) ?? []).filter((byte) => byte !== 0);
    assert.equal(flipped.length, 1);
  });
});
