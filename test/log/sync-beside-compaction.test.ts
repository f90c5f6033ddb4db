import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readSnapshot, SnapshotWriter } from "../../src/log/index.js";
import { nextTurn, type FileHandle, type OpenMode } from "../../src/platform/index.js";
import { Gate } from "../support/gate.js";
import { GatedFileSystem } from "../support/gated-file-system.js";
import { HUGE, withCode } from "../support/log-files.js";
import { systemError } from "../support/memory-file-system.js";
import { at } from "../support/updates.js";

const PATH = "/disk/log.snap";

/** Holds up the syncs of the file that is opened under the log's own name, once told to, and lets them fail then. */
class SlowToSync extends GatedFileSystem {
  readonly gate = new Gate();
  isSlow = false;
  syncing = 0;
  closedInSync = false;

  override async open(path: string, mode: OpenMode, permissions?: number): Promise<FileHandle> {
    const handle = await super.open(path, mode, permissions);
    if (path !== PATH) return handle;
    return {
      ...handle,
      sync: async () => {
        if (!this.isSlow) return await handle.sync();
        this.syncing += 1;
        await this.gate.pass();
        this.syncing -= 1;
        throw systemError("EIO");
      },
      close: async () => {
        this.closedInSync ||= this.syncing > 0;
        await handle.close();
      },
    };
  }
}

describe("a sync beside a compaction", () => {
  test("of the file that it has replaced may fail, and that is closed only afterwards", async () => {
    const fs = new SlowToSync();
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs, durability: "power" });
    const reached = fs.hold(({ name }) => name === "rename");
    const compacting = writer.compact();
    await reached;
    fs.isSlow = true;
    const checkpoint = writer.checkpoint(at(1));
    fs.release();
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    assert.equal(fs.syncing, 1);
    fs.gate.open();
    await checkpoint;
    await compacting;
    assert.equal(fs.closedInSync, false);
    assert.equal(writer.isPoisoned, false);
    await writer.close();
    assert.equal((await readSnapshot(PATH, { fs }))?.cursor.toU64(), 1n);
  });

  test("that fails for the new file while it is being renamed poisons the writer", async () => {
    const fs = new GatedFileSystem();
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs, durability: "power" });
    const reached = fs.hold(({ name }) => name === "rename");
    const compacting = writer.compact();
    await reached;
    fs.setHook(({ name, path }) =>
      name === "sync" && path !== PATH ? { error: systemError("EIO"), partialBytes: 0 } : undefined,
    );
    await assert.rejects(writer.checkpoint(at(1)), withCode("io"));
    assert.ok(writer.isPoisoned);
    fs.release();
    await compacting;
    assert.ok(writer.isPoisoned);
    await writer.close();
  });
});
