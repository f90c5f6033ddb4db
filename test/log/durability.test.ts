import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { GroupSync } from "../../src/log/group-sync.js";
import { readSnapshot, SnapshotWriter } from "../../src/log/index.js";
import { nextTurn } from "../../src/platform/index.js";
import { ManualClock, randomFrom, SimulatedDisk } from "../../src/testing/index.js";
import { Gate } from "../support/gate.js";
import { GatedFileSystem } from "../support/gated-file-system.js";
import { HUGE, withCode } from "../support/log-files.js";
import { MemoryFileSystem, systemError } from "../support/memory-file-system.js";
import { at, put, told } from "../support/updates.js";

const PATH = "/disk/log.snap";

describe("a sync that serves many", () => {
  test("serves those that came before it began, and one more serves all that came since", async () => {
    const gate = new Gate();
    let begun = 0;
    const syncs = new GroupSync(async () => {
      begun += 1;
      await gate.pass();
    });
    const done: string[] = [];
    const wait = (who: string): Promise<void> => syncs.wait().then(() => void done.push(who));
    const all = [wait("first"), wait("second"), wait("third")];
    assert.equal(begun, 1);
    gate.release();
    await all[0];
    await nextTurn();
    assert.deepEqual(done, ["first"]);
    assert.equal(begun, 2);
    gate.open();
    await Promise.all(all);
    assert.equal(begun, 2);
  });

  test("that fails is the failure of those it served only", async () => {
    const gate = new Gate();
    let begun = 0;
    const syncs = new GroupSync(async () => {
      begun += 1;
      const number = begun;
      await gate.pass();
      if (number === 1) throw new Error("the first");
    });
    const first = syncs.wait();
    const second = syncs.wait();
    gate.open();
    await assert.rejects(first, /the first/);
    await second;
  });
});

describe("with durability power", () => {
  test("a checkpoint resolves after a sync that began after its write, which may serve many", async () => {
    const fs = new GatedFileSystem();
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs, durability: "power" });
    let syncs = 0;
    fs.setHook(({ name }) => {
      if (name === "sync") syncs += 1;
      return undefined;
    });
    const reached = fs.hold(({ name }) => name === "sync");
    let resolved = 0;
    const checkpoints: Promise<unknown>[] = [];
    for (let revision = 1; revision <= 50; revision += 1) {
      writer.writeUpdate(put("a", `${revision}`, revision));
      checkpoints.push(writer.checkpoint(at(revision)).then(() => (resolved += 1)));
    }
    await reached;
    await nextTurn();
    assert.equal(resolved, 0);
    fs.release();
    await Promise.all(checkpoints);
    assert.equal(syncs, 2);
    await writer.close();
  });

  test("a new log is there after a power loss as soon as it is open", async () => {
    const fs = new MemoryFileSystem();
    await SnapshotWriter.open(PATH, HUGE, { fs, durability: "power" });
    fs.losePower(() => 0);
    assert.deepEqual(fs.names, [PATH]);
    await (await SnapshotWriter.open(PATH, HUGE, { fs, onCorruption: "throw" })).close();
  });

  test("a log whose header one process could not sync keeps what the next acknowledges", async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const disk = new SimulatedDisk(new ManualClock(), randomFrom(seed));
      const first = disk.process();
      disk.fail("sync");
      await assert.rejects(
        SnapshotWriter.open(PATH, HUGE, { fs: first, durability: "power" }),
        withCode("io"),
      );
      disk.heal();
      first.kill();
      const second = disk.process();
      const writer = await SnapshotWriter.open(PATH, HUGE, { fs: second, durability: "power" });
      writer.writeUpdate(put("a", "1", 1));
      await writer.checkpoint(at(1));
      disk.losePower();
      const snapshot = await readSnapshot(PATH, { fs: disk.process() });
      assert.deepEqual(told(snapshot?.entries.values() ?? []), ["a=1@1"], `seed ${seed}`);
    }
  });

  test("a sync that fails is not tried again: nothing more is written until the log is rewritten", async () => {
    const fs = new MemoryFileSystem();
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs, durability: "power" });
    writer.writeUpdate(put("a", "1", 1));
    await writer.checkpoint(at(1));
    writer.writeUpdate(put("b", "2", 2));
    let syncs = 0;
    fs.setHook(({ name }) => {
      if (name !== "sync") return undefined;
      syncs += 1;
      return { error: systemError("EIO"), partialBytes: 0 };
    });
    await assert.rejects(writer.checkpoint(at(2)), (error) => {
      return withCode("io")(error) && /sync/.test(String(error));
    });
    await assert.rejects(writer.checkpoint(at(2)), withCode("poisoned"));
    assert.throws(() => writer.writeUpdate(put("c", "3", 3)), withCode("poisoned"));
    assert.equal(syncs, 1);
    fs.setHook(() => undefined);
    const { entries } = (await readSnapshot(PATH, { fs })) ?? { entries: new Map() };
    assert.deepEqual(told(entries.values()), ["a=1@1"]);
    await writer.rewrite([...entries.values()], at(1));
    writer.writeUpdate(put("b", "2", 2));
    await writer.checkpoint(at(3));
    fs.losePower(() => 0);
    const snapshot = await readSnapshot(PATH, { fs });
    assert.deepEqual(told(snapshot?.entries.values() ?? []), ["a=1@1", "b=2@2"]);
    assert.equal(snapshot?.cursor.toU64(), 3n);
  });
});

test("by default nothing is synced when a log is written but the header of a new one, before anything follows it", async () => {
  const fs = new MemoryFileSystem();
  const order: string[] = [];
  fs.setHook(({ name }) => {
    if (["writeSync", "sync", "syncDirectory"].includes(name)) order.push(name);
    return undefined;
  });
  const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
  assert.deepEqual(order, ["writeSync", "sync"]);
  writer.writeUpdate(put("a", "1", 1));
  await writer.checkpoint(at(1));
  await writer.close();
  assert.equal(order.filter((name) => name !== "writeSync").length, 1);
});
