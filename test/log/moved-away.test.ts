import assert from "node:assert/strict";
import { mkdir, rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { readSnapshot, SnapshotWriter } from "../../src/log/index.js";
import { AppendLogSnapshot } from "../../src/store/index.js";
import { Gate } from "../support/gate.js";
import { contentsOf, HUGE, withCode } from "../support/log-files.js";
import { MemoryFileSystem, systemError } from "../support/memory-file-system.js";
import { tempDirectory } from "../support/temp-directory.js";
import { at, put, told } from "../support/updates.js";

const PATH = "/disk/log.snap";
/** So many writes at most go by before a writer looks for its file. */
const WRITES_MAX = 64;

/** Its renames take effect, and report that they failed. */
class Mistaken extends MemoryFileSystem {
  override async rename(from: string, to: string): Promise<void> {
    await super.rename(from, to);
    throw systemError("EIO");
  }
}

describe("a writer whose file was moved away", () => {
  test("with its directory does not replace the log that another one writes there now", async () => {
    await using root = await tempDirectory();
    const directory = root.file("copy");
    const path = join(directory, "log.snap");
    await mkdir(directory);
    const first = await SnapshotWriter.open(path, HUGE);
    first.writeUpdate(put("old", "1", 1));
    await first.checkpoint(at(1));
    await rename(directory, root.file("aside"));
    await mkdir(directory);
    const second = await SnapshotWriter.open(path, HUGE);
    second.writeUpdate(put("new", "100", 100));
    await second.checkpoint(at(100));

    await assert.rejects(first.compact(), withCode("io"));
    assert.throws(() => first.writeUpdate(put("lost", "2", 2)), withCode("poisoned"));
    await assert.rejects(first.rewrite([], at(2)), withCode("io"));
    await first.close();

    second.writeUpdate(put("new", "101", 101));
    await second.checkpoint(at(101));
    await second.close();
    assert.deepEqual(await contentsOf(path), ["new=101@101"]);
    assert.deepEqual(await contentsOf(root.file("aside/log.snap")), ["old=1@1"]);
  });

  test("while it compacts does not replace what came in its place", async () => {
    const fs = new MemoryFileSystem();
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
    let moved: Promise<unknown> | undefined;
    fs.setHook(({ name, path }) => {
      if (name === "sync" && path !== PATH) {
        moved ??= fs.rename(PATH, "/disk/aside").then(() => fs.open(PATH, "create-new"));
      }
      return undefined;
    });
    await assert.rejects(writer.compact(), withCode("io"));
    await moved;
    assert.equal(fs.content(PATH)?.length, 0);
    assert.deepEqual(fs.names.toSorted(), ["/disk/aside", PATH]);
    assert.ok(writer.isPoisoned);
    await writer.close();
  });

  test("by a rename of its own that is slow to return does not take that for a move", async () => {
    const gate = new Gate();
    const renamed = new Gate();
    class SlowToReturn extends MemoryFileSystem {
      override async rename(from: string, to: string): Promise<void> {
        await super.rename(from, to);
        renamed.open();
        await gate.pass();
      }
    }
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs: new SlowToReturn() });
    const compacting = writer.compact();
    await renamed.pass();
    for (let write = 1; write <= WRITES_MAX; write += 1) await writer.checkpoint(at(write));
    gate.open();
    await compacting;
    assert.equal(writer.isPoisoned, false);
    await writer.close();
  });

  test("by a rename of its own that reports failure goes on with the file that the rename put there", async () => {
    const fs = new Mistaken();
    const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
    const synced: string[] = [];
    fs.setHook(({ name, path }) => {
      if (name === "syncDirectory") synced.push(path);
      return undefined;
    });
    writer.writeUpdate(put("a", "1", 1));
    await writer.checkpoint(at(1));
    let revision = 1;
    const over = new AbortController();
    const compacting = writer.compact().finally(() => over.abort());
    while (!over.signal.aborted) await writer.checkpoint(at((revision += 1)));
    await compacting;
    assert.deepEqual(synced, [dirname(PATH)]);
    for (let write = 0; write < WRITES_MAX; write += 1)
      await writer.checkpoint(at((revision += 1)));
    writer.writeUpdate(put("b", "2", (revision += 1)));
    await writer.checkpoint(at(revision));
    await writer.close();
    const snapshot = await readSnapshot(PATH, { fs });
    assert.deepEqual(told(snapshot?.entries.values() ?? []), ["a=1@1", `b=2@${revision}`]);
    assert.equal(snapshot?.cursor.toU64(), BigInt(revision));
    assert.deepEqual(fs.names, [PATH]);
  });

  for (const didTakeEffect of [true, false]) {
    test(`by a rename that failed and ${didTakeEffect ? "took" : "did not take"} effect, which nobody could see, acknowledges no more until it is rewritten`, async () => {
      class Blind extends MemoryFileSystem {
        isBlind = false;
        override async rename(from: string, to: string): Promise<void> {
          if (!this.isBlind || didTakeEffect) await super.rename(from, to);
          if (this.isBlind) throw systemError("EIO");
        }
        override statSync(path: string): ReturnType<MemoryFileSystem["statSync"]> {
          if (this.isBlind) throw systemError("EIO");
          return super.statSync(path);
        }
      }
      const fs = new Blind();
      const store = await AppendLogSnapshot.open(PATH, { fs });
      await store.apply([put("a", "1", 1)], at(1));
      fs.isBlind = true;
      await assert.rejects(store.compact(), withCode("io"));
      await assert.rejects(store.apply([put("b", "2", 2)], at(2)), withCode("io"));
      fs.isBlind = false;
      await store.apply([put("b", "2", 2)], at(2));
      const { entries } = (await readSnapshot(PATH, { fs })) ?? { entries: new Map() };
      assert.deepEqual(told(entries.values()), ["a=1@1", "b=2@2"]);
      await store.close();
    });
  }

  for (const call of ["checkpoint", "flush"] as const) {
    test(`finds that out by ${call} and acknowledges no more`, async () => {
      const fs = new MemoryFileSystem();
      const writer = await SnapshotWriter.open(PATH, HUGE, { fs });
      await fs.remove(PATH);
      const writes = async (): Promise<void> => {
        for (let write = 0; write < WRITES_MAX; write += 1) await writer[call](at(write));
      };
      await assert.rejects(writes(), withCode("io"));
      await assert.rejects(writer.checkpoint(at(1)), withCode("poisoned"));
      await writer.close();
    });
  }
});

test("a store whose file was removed refuses batches, and goes on once the file is back", async () => {
  await using directory = await tempDirectory();
  const path = directory.file("log.snap");
  await using store = await AppendLogSnapshot.open(path);
  await store.apply([put("a", "1", 1)], at(1));
  await rename(path, directory.file("aside"));
  const writes = async (): Promise<void> => {
    for (let write = 0; write < WRITES_MAX; write += 1) await store.apply([], at(2));
  };
  await assert.rejects(writes(), withCode("io"));
  await assert.rejects(store.apply([put("b", "2", 3)], at(3)), withCode("io"));
  assert.deepEqual(told(store.range("")), ["a=1@1"]);
  await rename(directory.file("aside"), path);
  await store.apply([put("b", "2", 3)], at(3));
  assert.deepEqual(await contentsOf(path), ["a=1@1", "b=2@3"]);
});
