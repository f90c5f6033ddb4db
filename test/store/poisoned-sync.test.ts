import assert from "node:assert/strict";
import { test } from "node:test";
import { readSnapshot } from "../../src/log/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { ManualClock } from "../../src/testing/manual-clock.js";
import { randomFrom } from "../../src/testing/simulation/random.js";
import { SimulatedDisk } from "../../src/testing/simulation/simulated-disk.js";
import { withCode } from "../support/log-files.js";
import { MemoryFileSystem, systemError } from "../support/memory-file-system.js";
import { at, put, told } from "../support/updates.js";

const PATH = "/disk/log.snap";
/** Which pages a failed sync gives up, and what a power loss leaves, is another thing each time. */
const DISKS = 60;

for (const failing of ["sync", "syncDirectory"]) {
  test(`a sync that is asked for after one has failed (${failing}) rewrites the log from memory`, async () => {
    const fs = new MemoryFileSystem();
    const store = await AppendLogSnapshot.open(PATH, { fs });
    await store.apply([put("a", "1", 1)], at(1));
    fs.setHook(({ name }) =>
      name === failing ? { error: systemError("EIO"), partialBytes: 0 } : undefined,
    );
    await assert.rejects(store.sync(), withCode("io"));
    fs.setHook(() => undefined);
    const { fileId } = (await fs.stat(PATH)) ?? {};
    await store.sync();
    assert.notEqual((await fs.stat(PATH))?.fileId, fileId);
    await store.close();
    const snapshot = await readSnapshot(PATH, { fs });
    assert.deepEqual(told(snapshot?.entries.values() ?? []), ["a=1@1"]);
  });
}

test("a sync that is asked for makes safe what a process before this one failed to sync and still shows", async () => {
  for (let seed = 0; seed < DISKS; seed += 1) {
    const disk = new SimulatedDisk(new ManualClock(), randomFrom(seed));
    const process = disk.process();
    const first = await AppendLogSnapshot.open(PATH, { fs: process });
    await first.apply([put("a", "1", 1)], at(1));
    disk.fail("sync");
    await assert.rejects(first.sync(), withCode("io"));
    process.kill();
    disk.heal();
    const second = await AppendLogSnapshot.open(PATH, { fs: disk.process() });
    await second.apply([put("b", "2", 2)], at(2));
    await second.sync();
    disk.losePower();
    const snapshot = await readSnapshot(PATH, { fs: disk.process() });
    assert.deepEqual(told(snapshot?.entries.values() ?? []), ["a=1@1", "b=2@2"]);
  }
});
