import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readSnapshot, SnapshotWriter } from "../../src/log/index.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { randomFrom } from "../../src/testing/simulation/random.js";
import { SimulatedDisk } from "../../src/testing/simulation/simulated-disk.js";
import { HUGE, withCode } from "../support/log-files.js";
import { at, put, told } from "../support/updates.js";

const PATH = "/disk/log.snap";
/** Which pages a failed sync gives up, and what a power loss leaves, is another thing each time. */
const DISKS = 60;

function disks(): SimulatedDisk[] {
  return Array.from(
    { length: DISKS },
    (_, index) => new SimulatedDisk(new ManualClock(), randomFrom(index)),
  );
}

function openOn(disk: SimulatedDisk, fs = disk.process()): Promise<SnapshotWriter> {
  return SnapshotWriter.open(PATH, HUGE, { fs, durability: "power" });
}

async function keptOn(disk: SimulatedDisk): Promise<string[]> {
  const snapshot = await readSnapshot(PATH, { fs: disk.process() });
  return told(snapshot?.entries.values() ?? []);
}

describe("what the system gave up at a sync that failed, and still shows", () => {
  test("is written again where it is the header, before anything is acknowledged behind it", async () => {
    for (const disk of disks()) {
      disk.fail("sync");
      await assert.rejects(openOn(disk), withCode("io"));
      disk.heal();
      const writer = await openOn(disk);
      writer.writeUpdate(put("a", "1", 1));
      await writer.checkpoint(at(1));
      disk.losePower();
      assert.deepEqual(await keptOn(disk), ["a=1@1"]);
    }
  });

  test("is not what the next process builds on, where the one that was refused it died", async () => {
    for (const disk of disks()) {
      const process = disk.process();
      const first = await openOn(disk, process);
      first.writeUpdate(put("a", "1", 1));
      await first.checkpoint(at(1));
      disk.fail("sync");
      first.writeUpdate(put("b", "2", 2));
      await assert.rejects(first.checkpoint(at(2)), withCode("io"));
      process.kill();
      disk.heal();
      const second = await openOn(disk);
      second.writeUpdate(put("c", "3", 3));
      await second.checkpoint(at(3));
      disk.losePower();
      assert.deepEqual(await keptOn(disk), ["a=1@1", "c=3@3"]);
    }
  });

  test("is written again by the next process, where it could not be cut off", async () => {
    for (const disk of disks()) {
      const process = disk.process();
      const first = await openOn(disk, process);
      first.writeUpdate(put("a", "1", 1));
      disk.fail("sync");
      const failing = first.checkpoint(at(1));
      disk.fail("write");
      await assert.rejects(failing, withCode("io"));
      process.kill();
      disk.heal();
      const second = await openOn(disk);
      disk.losePower();
      assert.deepEqual(await keptOn(disk), ["a=1@1"]);
      await second.close().catch(() => undefined);
    }
  });
});
